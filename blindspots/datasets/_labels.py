"""Labels of users' data sets: the number of classes, and a test set drawn from the images."""

from __future__ import annotations

import numpy as np

from blindspots.interface import InputError


def classes_of(
    train: np.ndarray, test: np.ndarray, where: str, where_test: str | None = None
) -> int:
    """Number of classes of integer labels: as many as there are in the training set.

    Args:
        train: (n,) integers of the training set.
        test: (n,) integers of the test set.
        where: origin of the labels, for messages.
        where_test: origin of the test set's labels; None: the same.

    Raises:
        InputError: no labels, negative labels, a class without a training image, only one class,
            or more classes than fit in 16 bits.
    """
    where_test = where if where_test is None else where_test
    for part, labels, there in (("training", train, where), ("test", test, where_test)):
        if len(labels) == 0:
            raise InputError(f"{there}: expected {part} images, found none; add some")
    classes = int(train.max()) + 1
    present = np.unique(train)
    if present[0] < 0 or len(present) < classes:
        gap = int(np.argmax(present != np.arange(len(present))))
        found = f"label {present[0]}" if present[0] < 0 else f"no label {gap}"
        raise InputError(
            f"{where}: expected labels 0, 1, … up to the largest, {classes - 1}, each of at least "
            f"one training image, found {found}; number the classes anew"
        )
    odd = test[(test < 0) | (test >= classes)]
    if len(odd):
        raise InputError(
            f"{where_test}: expected test labels from 0 to {classes - 1}, as in training, found "
            f"{odd[0]}; remove these images, or add some of this class to the training set"
        )
    if classes > 2**15:
        raise InputError(
            f"{where}: expected at most {2**15} classes, found {classes}; are the labels those of "
            "classes?"
        )
    if classes < 2:
        raise InputError(f"{where}: expected at least two classes, found one; add images of others")
    return classes


def shares(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training set and of a test set, stratified.

    Args:
        labels: (n,) labels of all images.
        share: share of them in the test set.
        seed: seed of the draw.

    Raises:
        InputError: an invalid share or seed, or a share that leaves a class without a test or a
            training image.
    """
    from sklearn.model_selection import train_test_split

    if not 0 < share < 1:
        raise InputError(f"data.test_share: expected more than 0 and less than 1, found {share}")
    if not 0 <= seed < 2**32:
        raise InputError(f"data.seed: expected 0 to 2³² − 1, found {seed}")
    rows = np.arange(len(labels))
    try:
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=labels)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"data.test_share: expected a share that leaves each class an image on both sides, "
            f"found {share} of {len(labels)} images ({reason}); change it, or add images"
        ) from None
    return first, second
