// The Tofino 2 Native Architecture.

#ifndef T2NA_P4
#define T2NA_P4

#include <core.p4>

#if __TARGET_TOFINO__ != 2
#error t2na.p4 is for __TARGET_TOFINO__ 2
#endif

#define T2NA
#include "tofino2_widths.p4"
#include "tna_common.p4"

#endif
