# Adds up ctest's log to one line: "12 passed, 0 failed" or "12 passed, 0 failed, 1 skipped". Exits with 1 when a test
# failed, when none ran, or when ctest itself failed (rc). A program without a tally line counts as one test case; one
# that failed although its tally is clean (a leak found at exit, a time limit) or missing, as one failed case more.
function begin() { tallied = 0; failed_here = 0; good = 0 }

/^[0-9]+\/[0-9]+ Testing: / { begin() }
/^tally: passed=[0-9]+ failed=[0-9]+ skipped=[0-9]+$/ {
  split($0, field, /[= ]/)
  passed += field[3]
  failed_here += field[5]
  skipped += field[7]
  tallied = 1
}
# ctest's log calls a program that is not there passed.
/Unable to find executable: / { passed -= 1; failed += 1 }
/^Test Passed\.$/ { good = 1 }
/^".*" end time: / {
  if (good && !tallied) passed += 1
  failed += failed_here
  if (!good && failed_here == 0) failed += 1
  begin()
}
END {
  if (rc != 0 && failed == 0) failed = 1
  printf "%d passed, %d failed", passed, failed
  if (skipped > 0) printf ", %d skipped", skipped
  printf "\n"
  exit failed > 0 || passed + skipped == 0
}
