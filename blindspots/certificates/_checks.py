"""What a certificate returned, checked before anything is made of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from blindspots.interface import CertificateResult, InputError, Status


def check_result(found: Any, n: int, certificate: str) -> None:
    """Refuse what a certificate returned where it is not what the contract says.

    Args:
        found: what it returned.
        n: images that it was given.
        certificate: its name, for the message.

    Raises:
        InputError: names the certificate, and the field and the image that offend.
    """
    if not isinstance(found, CertificateResult):
        raise InputError(
            f"{certificate}: expected a CertificateResult, found {type(found).__name__}"
        )
    for name, dtype in (("radius", torch.float64), ("status", torch.int64)):
        value = getattr(found, name)
        if not isinstance(value, Tensor) or value.shape != (n,) or value.dtype != dtype:
            raise InputError(
                f"{certificate}: {name}: expected a tensor ({n},) of {dtype}, found "
                f"{type(value).__name__} {tuple(getattr(value, 'shape', ()))} of "
                f"{getattr(value, 'dtype', 'no type')}"
            )
    if found.radius.requires_grad:
        raise InputError(
            f"{certificate}: radius: expected none that has a gradient, found one; detach it"
        )
    negative = (found.radius < 0).nonzero()
    if len(negative):
        at = int(negative[0])
        raise InputError(
            f"{certificate}: radius[{at}]: expected at least 0, or NaN where it failed, found "
            f"{float(found.radius[at]):g}"
        )
    odd = (~torch.isin(found.status, torch.tensor(list(Status)).to(found.status))).nonzero()
    if len(odd):
        at = int(odd[0])
        raise InputError(
            f"{certificate}: status[{at}]: expected a value of Status, found "
            f"{int(found.status[at])}"
        )
