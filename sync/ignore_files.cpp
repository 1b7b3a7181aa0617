#include "sync/ignore_files.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/text.h"

namespace callboard::sync {
namespace {

Result<std::string> read_all(int fd) {
  std::string text;
  std::array<char, 16 * KiB> buffer{};
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("read", errno);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kIgnoreFileMaxBytes) {
      return Error{Outcome::failed, "expected at most " + std::to_string(kIgnoreFileMaxBytes) + " bytes"};
    }
  }
}

}  // namespace

Result<Ignore::Pointer> read_ignore_file(const Root& root, Ignore::Pointer above,
                                         const RelativePath& directory) {
  const Result<RelativePath> path = directory.joined(kIgnoreFile);
  if (!path) return above;  // Too deep for a file.
  const Result<FileStatus> status = root.status(*path);
  if (!status || status->kind != FileKind::file) return above;
  const Result<Fd> file = root.open_file(*path);
  if (!file && file.error().outcome == Outcome::not_found) return above;
  if (!file) return Error{Outcome::failed, file.error().text};
  const Result<std::string> text = read_all(file->get());
  if (!text) return text.error().prefixed(quoted(path->to_item()));
  return Ignore::with_file(std::move(above), directory, *text);
}

Result<Ignore::Pointer> IgnoreFiles::in(const RelativePath& directory) {
  while (!way_.empty() && !directory.is_beneath(way_.back().first)) way_.pop_back();
  if (way_.empty()) {
    Result<Ignore::Pointer> rules = read_ignore_file(root_, Ignore::built_in(), {});
    if (!rules) return rules;
    way_.emplace_back(RelativePath(), *std::move(rules));
  }
  while (way_.back().second != nullptr && way_.back().first != directory) {
    const auto& [above, rules] = way_.back();
    const std::size_t begin = above.is_root() ? 0 : above.bytes().size() + 1;
    const std::string name = directory.bytes().substr(begin, directory.bytes().find('/', begin) - begin);
    RelativePath next = *above.joined(name);
    if (rules->is_ignored(above, name, true)) {
      way_.emplace_back(std::move(next), nullptr);
      break;
    }
    Result<Ignore::Pointer> more = read_ignore_file(root_, rules, next);
    if (!more) return more;
    way_.emplace_back(std::move(next), *std::move(more));
  }
  return way_.back().second;
}

Result<bool> IgnoreFiles::is_ignored(const RelativePath& path, bool is_directory) {
  if (path.is_root()) return false;
  const Result<Ignore::Pointer> rules = in(path.parent());
  if (!rules) return rules.error();
  return *rules == nullptr || (*rules)->is_ignored(path.parent(), path.name(), is_directory);
}

std::vector<NamedStatus> names_in(const Root& root, IgnoreFiles& files, const RelativePath& directory) {
  const auto ignore = files.in(directory);
  auto fd = root.open_directory(directory);
  if (!ignore || !*ignore || !fd) return {};
  auto names = read_directory(fd->get());
  if (!names) return {};
  std::erase_if(*names, [&](const NamedStatus& named) {
    return (*ignore)->is_ignored(directory, named.name, named.status.kind == FileKind::directory);
  });
  return *std::move(names);
}

}  // namespace callboard::sync
