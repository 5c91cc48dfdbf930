// What every P4-16 architecture has.

#ifndef CORE_P4
#define CORE_P4

match_kind {
    exact,
    ternary,
    lpm
}

extern packet_in {
    void extract<T>(out T header_);
    T lookahead<T>();
    void advance(in bit<32> bits);
}

extern packet_out {
    void emit<T>(in T header_);
}

@noWarn("unused")
action NoAction() {}

#endif
