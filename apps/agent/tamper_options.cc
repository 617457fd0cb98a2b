#include "apps/agent/tamper_options.h"

#include <unistd.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "agent/tamper/sources.h"
#include "agent/tamper/tamper_message.h"
#include "base/status.h"
#include "base/strings.h"
#include "base/units.h"
#include "os/files/files.h"
#include "os/sensors/sensors.h"

namespace sluice {
namespace {

constexpr char kBootIdFile[] = "/proc/sys/kernel/random/boot_id";
constexpr size_t kSmallFile = 256;
constexpr absl::Duration kLeastInterval = absl::Milliseconds(10);

struct SensorOption {
  std::string path;
  std::string key_file;
  std::optional<absl::Duration> interval;
};
struct GpioOption {
  std::string chip;
  unsigned line = 0;
  bool active_high = true;
};

std::vector<std::string> SplitAtColons(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

absl::StatusOr<SensorOption> ParseSensor(const std::string& text) {
  const std::vector<std::string> parts = SplitAtColons(text);
  if (parts.size() < 2 || parts.size() > 3 || !parts[0].starts_with('/') ||
      !parts[1].starts_with('/'))
    return absl::InvalidArgumentError(
        StrCat(text, " is not PATH:KEYFILE[:INTERVAL] with whole paths"));
  SensorOption option{parts[0], parts[1], std::nullopt};
  if (parts.size() < 3) return option;
  SLUICE_ASSIGN_OR_RETURN(option.interval, ParseDuration(parts[2]));
  if (*option.interval < kLeastInterval)
    return absl::InvalidArgumentError("a sensor's interval is at least 10ms");
  return option;
}

absl::StatusOr<GpioOption> ParseGpio(const std::string& text) {
  const std::vector<std::string> parts = SplitAtColons(text);
  GpioOption option;
  const bool level = parts.size() < 3 || parts[2] == "high" || parts[2] == "low";
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || !level)
    return absl::InvalidArgumentError(StrCat(text, " is not CHIP:LINE[:low|high]"));
  option.chip = parts[0];
  const char* end = parts[1].data() + parts[1].size();
  const auto [stop, error] = std::from_chars(parts[1].data(), end, option.line);
  if (error != std::errc() || stop != end)
    return absl::InvalidArgumentError(StrCat(parts[1], " is not the number of a GPIO line"));
  option.active_high = parts.size() < 3 || parts[2] == "high";
  return option;
}

absl::StatusOr<SensorTerms> TermsOf(const std::string& kind, const SensorOption& option,
                                    const std::string& boot_id) {
  SensorTerms terms;
  terms.name = StrCat(kind, " ", option.path);
  SLUICE_ASSIGN_OR_RETURN(std::string key, ReadPrivateFile(option.key_file, kSmallFile));
  absl::StatusOr<Secret32> parsed = ParseTamperKey(key);
  Wipe(key.data(), key.size());
  if (!parsed.ok()) return Annotate(parsed.status(), option.key_file);
  terms.key = *std::move(parsed);
  terms.boot_id = boot_id;
  terms.interval = option.interval;
  return terms;
}

absl::StatusOr<std::string> BootId(Files& files) {
  SLUICE_ASSIGN_OR_RETURN(std::string id, files.Read(kBootIdFile, kSmallFile));
  if (id.ends_with('\n')) id.pop_back();
  return id;
}

}  // namespace

std::string CheckSensorOption(const std::string& text) {
  return std::string(ParseSensor(text).status().message());
}

std::string CheckGpioOption(const std::string& text) {
  return std::string(ParseGpio(text).status().message());
}

absl::StatusOr<TamperWatch::Sources> OpenTamperSources(const AgentFlags& flags, const Clock& clock,
                                                       Files& files) {
  TamperWatch::Sources sources;
  SLUICE_ASSIGN_OR_RETURN(const std::string boot_id, BootId(files));
  const BootTime now = clock.Now();
  for (const std::string& text : flags.tamper_sockets) {
    SLUICE_ASSIGN_OR_RETURN(const SensorOption option, ParseSensor(text));
    SLUICE_ASSIGN_OR_RETURN(SensorTerms terms, TermsOf("socket", option, boot_id));
    terms.accept_after = now;
    SLUICE_ASSIGN_OR_RETURN(auto socket, BindDatagramSocket(option.path));
    sources.push_back(
        std::make_unique<SocketSource>(std::move(socket), ::geteuid(), std::move(terms), now));
  }
  for (const std::string& text : flags.tamper_files) {
    SLUICE_ASSIGN_OR_RETURN(const SensorOption option, ParseSensor(text));
    SLUICE_ASSIGN_OR_RETURN(SensorTerms terms, TermsOf("file", option, boot_id));
    SLUICE_ASSIGN_OR_RETURN(auto watch, WatchFile(option.path));
    sources.push_back(
        std::make_unique<FileSource>(option.path, std::move(watch), files, std::move(terms), now));
  }
  for (const std::string& text : flags.tamper_gpios) {
    SLUICE_ASSIGN_OR_RETURN(const GpioOption option, ParseGpio(text));
    SLUICE_ASSIGN_OR_RETURN(auto line, RequestGpioLine(option.chip, option.line));
    sources.push_back(std::make_unique<GpioSource>(StrCat("gpio ", text), std::move(line),
                                                   option.active_high, now));
  }
  return sources;
}

}  // namespace sluice
