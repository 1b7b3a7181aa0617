#include "tests/unit/sync/project_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/bytes.h"
#include "sync/hash.h"
#include "sync/scan.h"
#include "tests/support/tree.h"

namespace callboard::sync {
namespace {

namespace fs = std::filesystem;

Root make_root() {
  std::string folder = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path().string();
  folder += "/callboard-pull-XXXXXX";
  ENSURE(mkdtemp(folder.data()) != nullptr);
  Result<Root> root = Root::open(folder);
  ENSURE(root.has_value());
  return *std::move(root);
}

}  // namespace

RelativePath at(std::string_view path) {
  Result<RelativePath> checked = RelativePath::from_bytes(path);
  ENSURE(checked.has_value());
  return *std::move(checked);
}

TestProject::TestProject() : root_(make_root()) {}

TestProject::~TestProject() {
  std::error_code ignored;
  for (auto it = fs::recursive_directory_iterator(root_.folder(), ignored);
       it != fs::recursive_directory_iterator(); it.increment(ignored)) {
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(root_.folder(), ignored);
}

void TestProject::write(std::string_view path, std::string_view content) const {
  fs::create_directories(fs::path(full(path)).parent_path());
  std::ofstream(full(path), std::ios::binary) << content;
}

void TestProject::make_link(std::string_view path, const std::string& target) const {
  fs::create_symlink(target, full(path));
}

void TestProject::make_folder(std::string_view path) const { fs::create_directories(full(path)); }

std::string TestProject::look(std::string_view path) const {
  const fs::path place = full(path);
  const fs::file_status status = fs::symlink_status(place);
  if (status.type() == fs::file_type::not_found) return "";
  if (status.type() == fs::file_type::symlink) return "link:" + fs::read_symlink(place).string();
  if (status.type() == fs::file_type::directory) return "folder";
  return "file:" + support::read_file(place);
}

std::vector<std::string> TestProject::names_below(std::string_view path) const {
  std::vector<std::string> names;
  if (!fs::is_directory(full(path))) return names;
  for (const auto& entry : fs::recursive_directory_iterator(full(path))) {
    if (entry.is_directory() && !entry.is_symlink()) continue;
    names.push_back(entry.path().string().substr(root_.folder().size() + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Entry file_entry(std::string_view name, std::string_view content, std::int64_t mtime_ns, std::uint16_t mode) {
  Entry entry;
  entry.mode = mode;
  entry.size_bytes = content.size();
  entry.mtime_ns = mtime_ns;
  entry.digest = digest_of(as_bytes(content));
  entry.name = name;
  return entry;
}

Entry link_entry(std::string_view name, std::string_view target) {
  Entry entry;
  entry.kind = EntryKind::symlink;
  entry.size_bytes = target.size();
  entry.digest = digest_of(as_bytes(target));
  entry.name = name;
  entry.target = target;
  return entry;
}

Entry folder_entry(std::string_view name, std::uint16_t mode) {
  Entry entry;
  entry.kind = EntryKind::directory;
  entry.mode = mode;
  entry.digest = digest_of(as_bytes(name));  // Stands for what lies in it.
  entry.name = name;
  return entry;
}

int ScriptedOps::fault(FileCall kind, const std::string& name) {
  const int number = calls_.fetch_add(1);
  return rule_ ? rule_({number, kind, name}) : 0;
}

TestPull::TestPull(const TestProject& project, FileOps& ops, std::string_view transfer, Timestamp now,
                   CommitOptions options)
    : project_(project) {
  Result<Index> index = Index::open(project.root());
  ENSURE(index.has_value());
  index_ = std::make_unique<Index>(*std::move(index));
  records_ = std::make_unique<IndexRecords>(project.root(), *index_);
  Result<std::unique_ptr<Stager>> stager = Stager::open(project.root(), ops, transfer, now);
  if (!stager) {
    result_ = stager.error();
    return;
  }
  stager_ = *std::move(stager);
  Result<std::unique_ptr<Versions>> versions = Versions::open(project.root(), ops);
  if (!versions) {
    result_ = versions.error();
    return;
  }
  versions_ = *std::move(versions);
  committer_ = std::make_unique<Committer>(
      Committer::Parts{project.root(), ops, *stager_, *versions_, *records_, listener, now}, options);
}

void TestPull::add(Change change) {
  if (result_ && is_open()) result_ = committer_->add(std::move(change), Instant{});
}

void TestPull::file(std::string_view path, std::string_view content, std::uint16_t mode) {
  if (!result_ || !is_open()) return;
  const RelativePath place = at(path);
  const Entry entry = file_entry(place.name(), content, 1'600'000'000'123'456'789, mode);
  Result<std::optional<StagedFile>> left = stager_->reuse(place, entry);
  if (left && left->has_value()) return add(Change::file(**std::move(left)));
  Result<StagedFile> staged = stager_->stage_whole(place, entry, as_bytes(content));
  if (!staged) {
    result_ = staged.error();
    return;
  }
  add(Change::file(*std::move(staged)));
}

void TestPull::link(std::string_view path, std::string_view target) {
  add(Change::symlink(at(path), link_entry(at(path).name(), target)));
}

void TestPull::folder(std::string_view path, std::uint16_t mode) {
  add(Change::directory(at(path), folder_entry(at(path).name(), mode)));
}

void TestPull::metadata(std::string_view path, const Entry& entry) { add(Change::metadata(at(path), entry)); }

void TestPull::rename(std::string_view source, std::string_view path, const Entry& entry) {
  add(Change::rename(at(source), at(path), entry, nullptr));
}

Tree::Node TestPull::node_of(std::string_view path) {
  Result<Scanned> scanned = scan(project_.root(), *index_, at(path), system_clock());
  ENSURE(scanned.has_value());
  return scanned->tree->whole();
}

void TestPull::rename_folder(std::string_view source, std::string_view path) {
  const Tree::Node node = node_of(source);
  Entry entry = node->entry();
  entry.name = at(path).name();
  add(Change::rename(at(source), at(path), entry, node));
}

void TestPull::remove(std::string_view path) { add(Change::remove(at(path), nullptr)); }
void TestPull::remove_folder(std::string_view path) { add(Change::remove(at(path), node_of(path))); }

void TestPull::finish() {
  if (result_ && is_open()) result_ = committer_->finish();
}

void pull_before(const TestProject& project, std::string_view path, std::string_view content) {
  FileOps ops;
  TestPull pull(project, ops, "before", Timestamp{1'700'000'000'000});
  pull.file(path, content);
  pull.finish();
  ENSURE(pull.result().has_value());
}

}  // namespace callboard::sync
