"""What a UP function may say that it can (TS 29.244 clause 8.2.25): what works here, no more."""

from __future__ import annotations

from pfcp.ies import UPFunctionFeatures


def up_function_features(*, gives_addresses: bool) -> UPFunctionFeatures:
    """Features of this UPF; `gives_addresses`: pools for UEs are configured."""
    return UPFunctionFeatures(
        ddnd=True,  # delay of downlink data notification
        dlbd=True,  # duration of downlink buffering
        ftup=True,  # F-TEIDs are chosen here
        empu=True,  # End Markers
        pfdm=True,  # PFDs, those of several flow descriptions too
        pfde=True,
        frrt=True,  # framed routes
        ueip=gives_addresses,
        quoac=True,  # FAR for quota action
        mnop=True,  # packets are counted
        vtime=True,  # quota validity time
        norp=True,  # number of reports
    )
