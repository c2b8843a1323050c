"""The same derivatives, as fast as the machine allows: kernels, blocks, the triangle of the data.

lesson_gradient and perceptron_gradient stand beside lesson.gradient and networks.perceptron: they take and
return the same. quick_descent stands beside lesson.descent, triangle_in_blocks beside triangle. kernels/ has
the compiled code; where there is none, each takes its way without.
"""

from manual_backprop.fast.lesson_gradient import gradients

__all__ = ["gradients"]
