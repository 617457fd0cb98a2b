// Durable grants per second and their latency, in a closed loop: as many
// requests are outstanding as there are links. JSON on stdout. Three modes:
//   sluice        the controller's engine, core and store, without a network
//   plain-sqlite  one writer, one transaction for each grant
//   disk          4 KiB writes, each followed by fdatasync: what the disk can do
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "base/system_clock.h"
#include "bench/closed_loop.h"
#include "bench/controller_bench_fleet.h"
#include "controller/store/sqlite_db.h"
#include "spdlog/spdlog.h"

namespace sluice {
namespace {

constexpr int kRowBytes = 900;  // about what a link's row takes
constexpr size_t kBlock = 4096;

absl::StatusOr<SqliteDb> OpenPlain(const std::string& directory) {
  SLUICE_ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::Open(directory + "/plain.db"));
  SLUICE_RETURN_IF_ERROR(db.Text("PRAGMA journal_mode = WAL").status());
  SLUICE_RETURN_IF_ERROR(db.Execute("PRAGMA synchronous = FULL"));
  SLUICE_RETURN_IF_ERROR(db.Execute(
      "CREATE TABLE IF NOT EXISTS grants (link TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, "
      "WITHOUT ROWID"));
  return db;
}

// A statement outside BEGIN … COMMIT is a transaction of its own.
absl::Status Upsert(SqliteDb& db, const SqliteStatement& statement, const std::string& link,
                    const std::string& record) {
  sqlite3_reset(statement.get());
  sqlite3_bind_text(statement.get(), 1, link.data(), static_cast<int>(link.size()), SQLITE_STATIC);
  sqlite3_bind_blob(statement.get(), 2, record.data(), kRowBytes, SQLITE_STATIC);
  return db.Step(statement).status();
}

// All links wait in one line before the writer.
absl::StatusOr<Measured> RunPlain(const std::string& directory, const LoopOptions& options,
                                  const Clock& clock) {
  SLUICE_ASSIGN_OR_RETURN(SqliteDb db, OpenPlain(directory));
  SLUICE_ASSIGN_OR_RETURN(const SqliteStatement statement,
                          db.Prepare("INSERT INTO grants VALUES (?, ?) ON CONFLICT (link) DO "
                                     "UPDATE SET record = excluded.record"));
  std::string record(kRowBytes, '\0');
  std::vector<BootTime> asked(options.links, clock.Now());
  LoopCounter counter;
  counter.Start(options, clock.Now());
  for (uint64_t n = 0; !counter.Over(clock.Now()); ++n) {
    const size_t link = n % options.links;
    record.replace(0, sizeof(n), reinterpret_cast<const char*>(&n), sizeof(n));
    SLUICE_RETURN_IF_ERROR(Upsert(db, statement, StrCat("link", link), record));
    const BootTime now = clock.Now();
    counter.Add(asked[link], now);
    asked[link] = now;
  }
  return counter.Result();
}

// Overwrites one file of a few MiB, as a write-ahead log is overwritten.
absl::StatusOr<Measured> RunDisk(const std::string& directory, const LoopOptions& options,
                                 const Clock& clock) {
  const int fd = open((directory + "/blocks").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "open");
  const std::string block(kBlock, 'x');
  constexpr uint64_t kBlocks = 1024;
  LoopCounter counter;
  counter.Start(options, clock.Now());
  bool ok = true;
  for (uint64_t n = 0; ok && !counter.Over(clock.Now()); ++n) {
    const BootTime start = clock.Now();
    ok = pwrite(fd, block.data(), kBlock, static_cast<off_t>(n % kBlocks * kBlock)) == kBlock &&
         fdatasync(fd) == 0;
    counter.Add(start, clock.Now());
  }
  const absl::Status status = ok ? absl::OkStatus() : ErrnoStatus(errno, "write");
  close(fd);
  SLUICE_RETURN_IF_ERROR(status);
  return counter.Result();
}

int Main(int argc, char** argv) {
  CLI::App app("Durable grants per second, as JSON on stdout.");
  std::string store = "sluice";
  std::string directory;
  LoopOptions options;
  app.add_option("--store", store)->check(CLI::IsMember({"sluice", "plain-sqlite", "disk"}));
  app.add_option("--directory", directory, "where its files lie")->required();
  app.add_option("--links", options.links)->check(CLI::Range(1u, 100'000u));
  app.add_option("--seconds", options.seconds, "of measuring")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up, "seconds before")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  const SystemClock clock;
  const absl::StatusOr<Measured> measured =
      store == "sluice"         ? BenchFleet::Run(directory, options, clock)
      : store == "plain-sqlite" ? RunPlain(directory, options, clock)
                                : RunDisk(directory, options, clock);
  if (!measured.ok()) {
    std::cerr << "sluice-controller-bench: " << measured.status().message() << "\n";
    return 1;
  }
  std::cout << ToJson(*measured).dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::Main(argc, argv); }
