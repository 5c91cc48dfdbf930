// The Tofino Native Architecture for programs that run on either generation.

#ifndef TNA_P4
#define TNA_P4

#include <core.p4>

#if __TARGET_TOFINO__ == 1
#include "tofino1_widths.p4"
#elif __TARGET_TOFINO__ == 2
#include "tofino2_widths.p4"
#else
#error __TARGET_TOFINO__ is 1 or 2
#endif

#include "tna_common.p4"

#endif
