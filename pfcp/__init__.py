"""PFCP (3GPP TS 29.244) as a library without I/O.

Octets and values, the names and the presence of every field as the specification has them:

    from pfcp import enums, ies, messages

    request = messages.decode(octets)              # raises errors.DecodeError (.cause, .ie_type)
    if isinstance(request, messages.SessionEstablishmentRequest):
        for create in request.create_pdrs:         # several: a tuple
            create.pdr_id                          # one plain value: an int
            create.pdi.local_fteid                 # conditional or optional: X | None
        response = messages.SessionEstablishmentResponse(
            seid=request.cp_fseid.seid,            # header: the receiver's SEID
            sequence_number=request.sequence_number,
            node_id=ies.NodeID(value=IPv4Address("10.0.0.1")),
            cause=enums.Cause.REQUEST_ACCEPTED,
            up_fseid=ies.FSEID(seid=1, ipv4=IPv4Address("10.0.0.1")),
            created_pdrs=(ies.CreatedPDR(pdr_id=2, local_fteid=ies.FTEID(teid=1, ipv4=n3)),),
        )
        response.encode()

Values are frozen, hashable and made by keyword; `dataclasses.replace` changes a copy. An enumerated
field is typed int: it holds the enumerator where `pfcp.enums` knows the number, else the int.
`ies.NetworkInstance` and `ies.APNDNN` keep raw octets and give the text as `.name`. What a vendor
adds is in the `vendor_ies` of its message or group; other IEs not known here are skipped, and given
back by `encode()` of the value they came with.
`schema.IES` and `schema.MESSAGES` are the registry by type number; `docs/ie-reference.md` lists it.
"""
