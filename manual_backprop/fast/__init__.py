"""The same derivatives, as fast as the machine allows: kernels, blocks, the triangle of the data.

lesson_gradient and perceptron stand beside lesson.gradient and networks.perceptron: they take and return
the same. quick_descent stands beside lesson.descent. native builds the kernels; where it cannot, each takes
its way without.
"""

from manual_backprop.fast.lesson_gradient import gradients

__all__ = ["gradients"]
