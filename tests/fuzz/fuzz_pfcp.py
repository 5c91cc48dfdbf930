"""Coverage-guided fuzzing: `pip install atheris; python tests/fuzz/fuzz_pfcp.py tests/fuzz/corpus`.

libFuzzer's options follow the corpus, such as `-runs=1000000` or `-max_len=2000`.
"""

import sys

import atheris

with atheris.instrument_imports(include=["pfcp"]):
    from target import everything

if __name__ == "__main__":
    # The codecs are generated as their modules load: they are instrumented one by one.
    from pfcp import schema

    for spec in (*schema.IES.values(), *schema.MESSAGES.values()):
        read = getattr(spec.cls, "read", None)
        if read is not None and hasattr(read, "__code__"):
            atheris.instrument_func(read)
    atheris.Setup(sys.argv, lambda octets: everything(octets) and None)
    atheris.Fuzz()
