# cmake -DINPUT=FILE -DOUTPUT=FILE.cc -DSYMBOL=name -DHEADER=a/b.h -P embed.cmake
# Writes a C++ file that defines sluice::SYMBOL, a std::string_view of INPUT's bytes.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" lines "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${lines}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nnamespace sluice {\nnamespace {\n"
     "constexpr char kData[] = {\n${bytes}'\\0'};\n}  // namespace\n"
     "const std::string_view ${SYMBOL}(kData, ${size});\n}  // namespace sluice\n")
