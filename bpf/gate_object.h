// The compiled gate (gate.bpf.c), embedded in this program.
#ifndef SLUICE_BPF_GATE_OBJECT_H_
#define SLUICE_BPF_GATE_OBJECT_H_

#include <string_view>

namespace sluice {

// An ELF file for the BPF target; lives as long as the program.
std::string_view GateObject();

}  // namespace sluice

#endif  // SLUICE_BPF_GATE_OBJECT_H_
