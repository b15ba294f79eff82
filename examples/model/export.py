"""Write a trained model as a program: in evaluation mode, for batches of any size."""

import torch


def export(model, shape, file):
    two_images = torch.zeros(2, *shape)
    any_size = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(model.eval(), (two_images,), dynamic_shapes=any_size)
    torch.export.save(program, file)
