#include "cli.h"

int main(int argc, char** argv) { return sluice::ctl::Run(argc, argv); }
