"""Call a certificate; refuse results, and changes of the model, that break its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.config.methods import accepted
from blindspots.files.images import Images
from blindspots.interface import CertificateResult, InputError, Status, UnsupportedError
from blindspots.lending import changed, state
from blindspots.threat.chance import draws_of


def certificate(
    *, norm: str = "l2", box: bool = False, whole: bool = False
) -> Callable[[Callable[..., CertificateResult]], Callable[..., CertificateResult]]:
    """Declare by a decorator what a certificate proves; without it the defaults hold.

    Read from the source without importing it (`blindspots.config.declarations`).

    Args:
        norm: norm of its radii: "l0", "l1", "l2" or "linf". A certificate for several norms takes
            a setting ``norm: Literal["l2", "linf"]`` instead.
        box: whether they are proved for images inside the box only.
        whole: whether it gets all images of a part at once instead of a chunk at a time, because
            its work is per net and not per image.
    """
    return lambda function: function


def call(
    certify: Callable[..., CertificateResult],
    model: nn.Module,
    data: Images,
    settings: Mapping[str, Any],
) -> CertificateResult:
    """Certify images.

    Args:
        certify: certificate that follows the certificates' contract.
        model: images to logits.
        data: images to certify.
        settings: settings of the certificate.

    Raises:
        InputError: a result that breaks the contract, or a changed model.
        UnsupportedError: the certificate does not support the network, or the network is
            stochastic.
    """
    if draws_of(model) is not None:
        raise UnsupportedError(
            "model: expected a net that answers the same each time, found one with draws"
        )
    name, before = getattr(certify, "__name__", "certificate"), state(model, data.images[:1])
    offered = accepted(certify, classes=data.classes)
    found = certify(model, data.images.clone(), data.labels.clone(), **offered, **settings)
    check_result(found, len(data.rows), name, settings.get("eps"))
    if (what := changed(before, model)) is not None:
        raise InputError(
            f"{name}: expected an unchanged model, found that the certificate changed {what}; work "
            "on a copy (copy.deepcopy(model))"
        )
    return found


def check_result(found: Any, n: int, certificate: str, eps: float | None = None) -> None:
    """Refuse a certificate's result that breaks the contract.

    Args:
        found: the certificate's result.
        n: number of images that the certificate was given.
        certificate: name of the certificate, for the message.
        eps: radius at which the certificate decides yes or no; None: it computes radii.

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
    if eps is not None:
        between = found.radius.isfinite() & (found.radius != 0) & (found.radius != eps)
        if between.any():
            raise InputError(
                f"{certificate}: radius: expected eps, {eps:g}, or 0, found "
                f"{float(found.radius[between][0]):g}"
            )
    if found.reasons is not None:
        said = list(found.reasons) if isinstance(found.reasons, list | tuple) else found.reasons
        if not isinstance(said, list) or not all(r is None or isinstance(r, str) for r in said):
            raise InputError(
                f"{certificate}: reasons: expected a list of texts or None, found "
                f"{' '.join(repr(found.reasons).split())[:80]}"
            )
        if len(said) != n:
            raise InputError(
                f"{certificate}: reasons: expected {n}, one for each image, found {len(said)}"
            )
    odd = (~torch.isin(found.status, torch.tensor(list(Status)).to(found.status))).nonzero()
    if len(odd):
        at = int(odd[0])
        raise InputError(
            f"{certificate}: status[{at}]: expected a value of Status, found "
            f"{int(found.status[at])}"
        )
    none = (found.radius.isnan() & (found.status == int(Status.CONVERGED))).nonzero()
    if len(none):
        at = int(none[0])
        raise InputError(
            f"{certificate}: radius[{at}]: expected a number, as status[{at}] is CONVERGED, found "
            "NaN; give another status, and a reason"
        )
