#!/usr/bin/env python3
"""Writes the console's files, as Vite built them, as sources of the controller.

    embed_console.py web/dist OUTPUT.S OUTPUT.cc

Without them the table is empty, and the controller says so to who asks.
"""
from __future__ import annotations

import sys
from pathlib import Path

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
         ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json",
         ".txt": "text/plain; charset=utf-8"}


def main(dist: Path, assembly: Path, table: Path) -> None:
    files = sorted(p for p in dist.rglob("*") if p.suffix in TYPES) if dist.is_dir() else []
    lines = ['.section .rodata, "a"']
    declared, rows = [], []
    for i, path in enumerate(files):
        lines += [f".global sluice_console_{i}", f".global sluice_console_{i}_end",
                  f"sluice_console_{i}:", f'.incbin "{path.resolve()}"',
                  f"sluice_console_{i}_end: .byte 0"]
        declared.append(f"extern const char sluice_console_{i}[];"
                        f"extern const char sluice_console_{i}_end[];")
        name = "/" + path.relative_to(dist).as_posix()
        rows.append(f'      {{"{name}", "{TYPES[path.suffix]}", sluice_console_{i}, '
                    f"sluice_console_{i}_end}},")
    lines.append('.section .note.GNU-stack, "", @progbits')
    assembly.write_text("\n".join(lines) + "\n", encoding="ascii")
    table.write_text("\n".join([
        '#include "controller/web/console_files.h"', "", 'extern "C" {', *declared, "}",
        "namespace sluice {", "std::span<const EmbeddedFile> EmbeddedFiles() {",
        *([f"  static const EmbeddedFile kFiles[] = {{", *rows, "  };", "  return kFiles;"]
          if files else ["  return {};"]),
        "}", "}  // namespace sluice", ""]), encoding="ascii")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
