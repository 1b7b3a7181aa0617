#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entry.h"
#include "sync/committer.h"
#include "sync/file_ops.h"
#include "sync/index.h"
#include "sync/root.h"

namespace callboard::sync {

RelativePath at(std::string_view path);

// A project folder in memory where there is a file system for that, gone with the object.
class TestProject {
 public:
  TestProject();
  ~TestProject();
  TestProject(const TestProject&) = delete;
  TestProject& operator=(const TestProject&) = delete;

  const Root& root() const { return root_; }
  std::string full(std::string_view path) const { return root_.folder() + "/" + std::string(path); }
  // Makes the directories above it, too.
  void write(std::string_view path, std::string_view content) const;
  void make_link(std::string_view path, const std::string& target) const;
  void make_folder(std::string_view path) const;
  // "file:<content>", "link:<target>", "folder", "" when there is nothing.
  std::string look(std::string_view path) const;
  // Every file's and link's path beneath `path`, ascending.
  std::vector<std::string> names_below(std::string_view path) const;

 private:
  Root root_;
};

// As a giver would describe it.
Entry file_entry(std::string_view name, std::string_view content,
                 std::int64_t mtime_ns = 1'600'000'000'123'456'789, std::uint16_t mode = 0644);
Entry link_entry(std::string_view name, std::string_view target);
Entry folder_entry(std::string_view name, std::uint16_t mode = 0755);

// System calls that fail or stop as scripted. The rule is asked with the number of the call, from 0.
class ScriptedOps final : public FileOps {
 public:
  struct Call {
    int number = 0;
    FileCall kind = FileCall::create;
    std::string name;
  };
  using Rule = std::function<int(const Call&)>;
  ScriptedOps() = default;
  explicit ScriptedOps(Rule rule) : rule_(std::move(rule)) {}
  int calls() const { return calls_.load(); }

 protected:
  int fault(FileCall kind, const std::string& name) override;

 private:
  Rule rule_;
  std::atomic<int> calls_{0};
};

struct RecordingListener final : CommitListener {
  void on_committed(const Change& change) override { committed.push_back(change.path.bytes()); }
  void on_changed() override { has_changed = true; }
  void on_kept(const KeptVersion& version) override { kept.push_back(version); }
  void on_assembled(const RelativePath& directory, std::uint64_t files, std::uint64_t) override {
    assembled.push_back(directory.bytes() + ": " + std::to_string(files));
  }
  void on_removed(const KeptVersion& version) override { removed.push_back(version); }
  void on_source_changed(const Change& change) override { sources_changed.push_back(change.source.bytes()); }
  void on_failed(const RelativePath& path, const Error& error) override {
    failed.push_back(path.bytes() + ": " + error.text);
  }
  std::vector<std::string> committed;
  bool has_changed = false;
  std::vector<KeptVersion> kept;
  std::vector<KeptVersion> removed;
  std::vector<std::string> assembled;  // "path: files".
  std::vector<std::string> sources_changed;
  std::vector<std::string> failed;
};

// Everything a pull needs on the writing side, opened as a program does at its start.
class TestPull {
 public:
  TestPull(const TestProject& project, FileOps& ops, std::string_view transfer = "1",
           Timestamp now = Timestamp{1'795'269'143'123}, CommitOptions options = {});

  // The first thing that failed; every later step is skipped.
  const Result<void>& result() const { return result_; }
  bool is_open() const { return committer_ != nullptr; }
  void file(std::string_view path, std::string_view content, std::uint16_t mode = 0644);
  void staged(StagedFile file) { add(Change::file(std::move(file))); }
  void link(std::string_view path, std::string_view target);
  void folder(std::string_view path, std::uint16_t mode = 0755);
  void metadata(std::string_view path, const Entry& entry);
  void rename(std::string_view source, std::string_view path, const Entry& entry);
  void rename_folder(std::string_view source, std::string_view path);
  void remove(std::string_view path);
  void remove_folder(std::string_view path);
  void finish();

  Stager& stager() { return *stager_; }
  Versions& versions() { return *versions_; }
  Index& index() { return *index_; }
  RecordingListener listener;

 private:
  void add(Change change);
  Tree::Node node_of(std::string_view path);

  const TestProject& project_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<IndexRecords> records_;
  std::unique_ptr<Stager> stager_;
  std::unique_ptr<Versions> versions_;
  std::unique_ptr<Committer> committer_;
  Result<void> result_;
};

// A file that was pulled with this content.
void pull_before(const TestProject& project, std::string_view path, std::string_view content);

}  // namespace callboard::sync
