"""Terms that no vocabulary has: renamed where another was meant, else told to the reader."""

from __future__ import annotations

from pyoxigraph import NamedNode, Triple

from tinylearn.registry.seloc.defects import Found
from tinylearn.registry.seloc.iris import local
from tinylearn.registry.vocabulary import MLS, NNET, SCHEMA, SOSA, SOSA_EXTEND, TL, TYPE

_NNET = frozenset([
    "NeuralNetwork", "Layer", "Activation", "Quantization", "LayerType", "Metric",
    "NetworkCategory", "NetworkInput", "NetworkOutput", "inputLayer", "middleLayer",
    "outputLayer", "shapeIn", "shapeOut", "hasIndex", "hasActivation", "hasQuantization",
    "hasType", "hasMetric", "hasMetricValue", "trainingDataset", "hasMultiplyAccumulateOps",
    "hasCategory", "hasInputInfo", "hasOutputInfo", "FullyConnected", "Dequantize", "Quantize",
    "Logistic", "Softmax", "DepthwiseConv2D", "Reshape", "MaxPool2D", "Conv2D", "AveragePool2D",
    "ResizeNearestNeighbor", "Float32", "Float16", "Int16", "Int8", "Classification",
    "ObjectDetection", "FeatureExtraction", "Unsupervised", "Relu", "Tanh", "Top_1_accuracy",
    "Top_5_accuracy",
])  # fmt: skip
_SENSORS = frozenset([
    "Accelerometer", "Camera", "Gyroscope", "Magnetometer", "Microphone", "Thermometer",
    "hasSensorInfo",
])  # fmt: skip
#: terms of these namespaces that their own schemas define
DEFINED = {NNET: _NNET, SOSA_EXTEND: _SENSORS}
#: used -> meant; what their schemas lack, tinylearn.ttl defines
RENAMED = {
    NNET + "AvgPool2D": NNET + "AveragePool2D",
    SCHEMA + "Sensor": SOSA + "Sensor",
    SOSA_EXTEND + "OtherSensor": TL + "OtherSensor",
    **{NNET + name: TL + name for name in
       ("Add", "Mean", "Pad", "Relu6", "Uint8", "Int32", "OtherCategory", "Other_metric")},
}  # fmt: skip
#: metrics are individuals of nnet:Metric, not classes
_METRICS = frozenset(NNET + n for n in ("Top_1_accuracy", "Top_5_accuracy", "Other_metric"))
#: what tinylearn's own descriptions say beside it, so that the published queries find them too
_EVALUATION = NamedNode(MLS + "ModelEvaluation")


def mend_terms(triples: list[Triple], found: Found) -> list[Triple]:
    """Renames, and reports what no schema defines."""
    for name in sorted({t.value for triple in triples for t in triple if isinstance(t, NamedNode)}):
        _report(name, found)
    both = {t.subject for t in triples if t.predicate == TYPE and t.object == _EVALUATION}
    for triple in triples:
        is_metric = triple.predicate == TYPE and triple.object.value in _METRICS  # type: ignore[union-attr]
        if is_metric and triple.subject not in both:
            found.add("metric used as a class", f"a nnet:{local(triple.object)}")  # type: ignore[arg-type]
    return [_renamed(triple) for triple in triples]


def _report(name: str, found: Found) -> None:
    if name in RENAMED:
        found.add("undefined term", f"<{name}>", f"written <{RENAMED[name]}>")
        return
    for base, defined in DEFINED.items():
        if name.startswith(base) and name != base and name.removeprefix(base) not in defined:
            found.add("undefined term", f"<{name}>")


def _renamed(triple: Triple) -> Triple:
    value = triple.object
    if isinstance(value, NamedNode) and value.value in RENAMED:
        return Triple(triple.subject, triple.predicate, NamedNode(RENAMED[value.value]))
    return triple
