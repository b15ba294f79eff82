"""Exact solutions to compare with."""

import numpy as np
from scipy.optimize import minimize


def smallest_linear_perturbation(weight, bias, image, target, lower=0.0, upper=1.0):
    """‖r‖ of the smallest r that makes `target` the largest logit of W (x + r) + b, within a box.

    The dual of min ½‖x' − x‖² subject to (W_t − W_j) x' + b_t − b_j ≥ 0 and the box has one
    multiplier per other class once the box is eliminated by clipping.
    """
    others = [j for j in range(len(weight)) if j != target]
    a, b = weight[target] - weight[others], bias[target] - bias[others]

    def negative_dual(multipliers):
        x = np.clip(image + a.T @ multipliers, lower, upper)
        slack = a @ x + b
        return multipliers @ slack - 0.5 * np.sum((x - image) ** 2), slack

    solution = minimize(
        negative_dual,
        np.zeros(len(others)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * len(others),
        options={"maxiter": 10_000, "maxfun": 10_000, "ftol": 1e-15, "gtol": 1e-10},
    )
    return float(np.sqrt(2 * max(-solution.fun, 0)))
