// The sources that there are.
#ifndef SLUICE_AGENT_TAMPER_SOURCES_H_
#define SLUICE_AGENT_TAMPER_SOURCES_H_

#include <memory>
#include <optional>
#include <string>

#include "agent/tamper/sensor_judge.h"
#include "agent/tamper/tamper_source.h"
#include "os/files/files_interface.h"
#include "os/sensors/sensors_interface.h"

namespace sluice {

// Messages from a socket. Only those of root and of `own_uid` count.
class SocketSource final : public TamperSource {
 public:
  SocketSource(std::unique_ptr<DatagramSocket> socket, uint32_t own_uid, SensorTerms terms,
               BootTime now);
  int fd() const override { return socket_->fd(); }
  std::optional<BootTime> deadline() const override { return judge_.deadline(); }
  Found Poll(BootTime now) override;
  void Rearm(BootTime now) override { judge_.Rearm(now); }

 private:
  const std::unique_ptr<DatagramSocket> socket_;
  const uint32_t own_uid_;
  SensorJudge judge_;
};

// One message in a file that a daemon writes anew. That the file vanishes is an event; what
// is not authentic in it is none, but with an interval the dead-man notices.
class FileSource final : public TamperSource {
 public:
  // `files` outlives it and is used by its thread only.
  FileSource(std::string path, std::unique_ptr<FileWatch> watch, Files& files, SensorTerms terms,
             BootTime now);
  int fd() const override { return watch_->fd(); }
  std::optional<BootTime> deadline() const override;
  Found Poll(BootTime now) override;
  void Rearm(BootTime now) override;

 private:
  const std::string path_;
  const std::unique_ptr<FileWatch> watch_;
  Files& files_;
  SensorJudge judge_;
  BootTime look_at_;
  std::string seen_;  // what it held when last read
  bool was_there_ = false;
  bool told_ = false;  // that it vanished
};

// A line whose level means tampering, or whose chip is gone.
class GpioSource final : public TamperSource {
 public:
  GpioSource(std::string name, std::unique_ptr<GpioLine> line, bool active_high, BootTime now);
  int fd() const override { return gone_ ? -1 : line_->fd(); }
  std::optional<BootTime> deadline() const override;
  Found Poll(BootTime now) override;
  void Rearm(BootTime now) override;

 private:
  const std::string name_;
  const std::unique_ptr<GpioLine> line_;
  const bool active_high_;
  BootTime look_at_;
  bool told_ = false;
  bool gone_ = false;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_TAMPER_SOURCES_H_
