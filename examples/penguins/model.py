"""A classifier with one hidden layer, its gradient, and Adam; plain lists of floats, nothing to install.

All parameters lie in one flat list, which is what goes over the wire as a gradient:
hidden weights (row by row), hidden biases, output weights (row by row), output biases.
"""

import math
import random


class Model:
    def __init__(self, inputs, hidden, outputs, seed):
        self.inputs, self.hidden, self.outputs = inputs, hidden, outputs
        self.output_start = hidden * inputs + hidden
        dice = random.Random(seed)  # the same everywhere, so all replicas begin with the same model
        self.parameters = [dice.gauss(0, 1 / math.sqrt(inputs)) for _ in range(hidden * inputs)]
        self.parameters += [0.0] * hidden
        self.parameters += [dice.gauss(0, 1 / math.sqrt(hidden)) for _ in range(outputs * hidden)]
        self.parameters += [0.0] * outputs

    def _layer(self, values, start, count):
        """count sums of weighted values, each with its bias; start: of the layer's weights."""
        width = len(values)
        parameters = self.parameters
        biases = start + count * width
        return [
            sum(map(float.__mul__, parameters[at : at + width], values)) + parameters[biases + unit]
            for unit, at in enumerate(range(start, biases, width))
        ]

    def forward(self, features):
        """Activations of the hidden layer, and a probability for each class."""
        hidden = [math.tanh(value) for value in self._layer(features, 0, self.hidden)]
        scores = self._layer(hidden, self.output_start, self.outputs)
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return hidden, [power / total for power in powers]

    def predict(self, features):
        probabilities = self.forward(features)[1]
        return probabilities.index(max(probabilities))

    def gradient(self, examples):
        """Sums over the examples: the gradient, one number per parameter, and the loss at its end."""
        gradient = [0.0] * (len(self.parameters) + 1)
        for features, label in examples:
            hidden, errors = self.forward(features)
            gradient[-1] -= math.log(max(errors[label], 1e-300))
            errors[label] -= 1.0
            self._add_gradient(gradient, features, hidden, errors)
        return gradient

    def _add_gradient(self, gradient, features, hidden, errors):
        width, start = self.hidden, self.output_start
        back = [0.0] * width
        for unit, error in enumerate(errors):
            at = start + unit * width
            for i in range(width):
                gradient[at + i] += error * hidden[i]
                back[i] += error * self.parameters[at + i]
            gradient[start + self.outputs * width + unit] += error
        for unit, value in enumerate(hidden):
            error = back[unit] * (1.0 - value * value)
            at = unit * self.inputs
            for i, feature in enumerate(features):
                gradient[at + i] += error * feature
            gradient[self.hidden * self.inputs + unit] += error


class Adam:
    """Steps of a size of their own for each parameter; every replica does the same steps with the same sums."""

    def __init__(self, count, rate, decay=(0.9, 0.999)):
        self.rate, self.decay = rate, decay
        self.mean = [0.0] * count
        self.square = [0.0] * count
        self.steps = 0

    def step(self, parameters, gradient):
        self.steps += 1
        first, second = self.decay
        scale = self.rate * math.sqrt(1 - second**self.steps) / (1 - first**self.steps)
        for i, slope in enumerate(gradient):
            self.mean[i] += (1 - first) * (slope - self.mean[i])
            self.square[i] += (1 - second) * (slope * slope - self.square[i])
            parameters[i] -= scale * self.mean[i] / (math.sqrt(self.square[i]) + 1e-8)
