"""Toy of a dataset made from another by a net: its images, with the class after a net's answer."""


def next_class(images, labels, *, parents, classes):
    return images, (parents["net"](images).argmax(dim=1) + 1) % classes
