#include "bpf/gate_object.h"

// libelf reads structures in place, hence the alignment.
asm(".section .rodata\n"
    ".balign 16\n"
    ".global sluice_gate_object_begin\n"
    "sluice_gate_object_begin:\n"
    ".incbin \"" SLUICE_GATE_OBJECT
    "\"\n"
    ".global sluice_gate_object_end\n"
    "sluice_gate_object_end:\n"
    ".previous\n");

extern "C" const char sluice_gate_object_begin[];
extern "C" const char sluice_gate_object_end[];

namespace sluice {

std::string_view GateObject() {
  return {sluice_gate_object_begin,
          static_cast<size_t>(sluice_gate_object_end - sluice_gate_object_begin)};
}

}  // namespace sluice
