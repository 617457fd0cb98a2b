// Loading BPF programs into the kernel, and running them on made-up packets.
#ifndef SLUICE_OS_BPF_BPF_OBJECT_H_
#define SLUICE_OS_BPF_BPF_OBJECT_H_

#include <linux/bpf.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct bpf_object;

namespace sluice {

// One ELF file's programs and maps, loaded. They stay in the kernel as long as
// this object, an attachment or a pin holds them.
class BpfObject {
 public:
  struct Options {
    // Maps to be used instead of new ones, by name. Not owned.
    std::map<std::string, int> reuse;
    std::map<std::string, uint32_t> max_entries;
    // The whole section of constants (".rodata"); empty: as compiled.
    std::string constants;
  };
  // Errors say what to do: root or capabilities, a newer kernel, more locked
  // memory; else they end with the verifier's last words.
  static absl::StatusOr<std::unique_ptr<BpfObject>> Load(std::string_view elf,
                                                         const Options& options);
  ~BpfObject();
  BpfObject(const BpfObject&) = delete;
  BpfObject& operator=(const BpfObject&) = delete;

  absl::StatusOr<int> MapFd(const std::string& name) const;
  absl::StatusOr<int> ProgramFd(const std::string& name) const;

 private:
  explicit BpfObject(bpf_object* object) : object_(object) {}
  bpf_object* object_;
};

absl::StatusOr<uint32_t> ProgramId(int program_fd);
// As the kernel keeps it: the function's, cut to 15 characters.
absl::StatusOr<std::string> ProgramName(int program_fd);

// What a program made of a packet.
struct BpfTestRun {
  int verdict = 0;
  __sk_buff context{};  // as the program left it
  std::string packet;
  uint32_t nanoseconds = 0;  // per run, on average
};
// BPF_PROG_TEST_RUN, `repeat` times, on this CPU. `packet` is an Ethernet frame
// of at most a page.
absl::StatusOr<BpfTestRun> TestRun(int program_fd, std::string_view packet,
                                   const __sk_buff& context, int repeat = 1);

// The last warnings of libbpf on this thread since the last call; empties them.
std::string TakeLibbpfWarnings();

}  // namespace sluice

#endif  // SLUICE_OS_BPF_BPF_OBJECT_H_
