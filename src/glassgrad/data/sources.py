"""The files of the downloadable sets: names, sizes, checksums, mirrors, citations.

Layer L8. Data only. A file is used only if its sha256 is the one pinned here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A file, what it must be to the byte, and the addresses of the folders that offer it."""

    name: str
    size: int
    sha256: str
    mirrors: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A set of files: the sub-folder it lies in, the files by their part, what to cite."""

    folder: str
    files: dict[str, RemoteFile]
    class_names: tuple[str, ...]
    citation: str
    licence: str


def _idx_files(
    mirrors: tuple[str, ...], rows: tuple[tuple[str, int, str], ...]
) -> dict[str, RemoteFile]:
    parts = ("train_X", "train_y", "test_X", "test_y")
    files = [RemoteFile(name, size, digest, mirrors) for name, size, digest in rows]
    return dict(zip(parts, files, strict=True))


# The sha256s are of the files whose md5s LeCun's page and the torchvision loaders give
# (f68b3c2d…, d53e105e…, 9fb629c4…, ec29112d…). yann.lecun.com itself no longer serves them.
MNIST = Source(
    folder="mnist",
    files=_idx_files(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            (
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                28881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                1648877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                4542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
    ),
    class_names=tuple("0123456789"),
    citation="LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document "
    "recognition, Proc. IEEE 86(11), 1998; http://yann.lecun.com/exdb/mnist/",
    licence="CC BY-SA 3.0",
)

# The sha256s are of the files whose md5s stand in the Fashion-MNIST README.
FASHION_MNIST = Source(
    folder="fashion-mnist",
    files=_idx_files(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        (
            (
                "train-images-idx3-ubyte.gz",
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            (
                "train-labels-idx1-ubyte.gz",
                29515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                4422102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                5148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
    ),
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    citation="Xiao, Rasul, Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
    "Machine Learning Algorithms, arXiv:1708.07747, 2017",
    licence="MIT, copyright 2017 Zalando SE",
)

_CIFAR_CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
_CIFAR_CITATION = (
    "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, technical report, "
    "University of Toronto, 2009; https://www.cs.toronto.edu/~kriz/cifar.html"
)
_CIFAR_LICENCE = "no formal licence; the authors ask for the citation"

# NOTE: the authors publish an md5 only (c32a1d4ab5d03f1284b67883e8d87530). The sha256 is the one
# that TensorFlow Datasets and others pin for the same address and size.
CIFAR10 = Source(
    folder="cifar-10",
    files={
        "all": RemoteFile(
            "cifar-10-binary.tar.gz",
            170052171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ("https://www.cs.toronto.edu/~kriz/",),
        )
    },
    class_names=_CIFAR_CLASSES,
    citation=_CIFAR_CITATION,
    licence=_CIFAR_LICENCE,
)

# 1,000 training and 200 test images a class, in the same records; lies in a folder or not at all.
CIFAR10_SUBSET = Source(
    folder="cifar10-subset",
    files={
        "train": RemoteFile(
            "train_10000.bin.gz",
            28279635,
            "5eefced20f3f49953e70fa46eea91dde2cca6719fd6246c753b8a63693d2dcef",
            (),
        ),
        "test": RemoteFile(
            "test_2000.bin.gz",
            5662014,
            "e1fea1e081d6a2193994154f0709c2cdfad151a9b7d1670ee564bce4768349a1",
            (),
        ),
    },
    class_names=_CIFAR_CLASSES,
    citation=_CIFAR_CITATION,
    licence=_CIFAR_LICENCE,
)

# 40,000 and 10,000 reviews with equally many of each kind; lies in a folder or not at all.
NSMC_SUBSET = Source(
    folder="nsmc-subset",
    files={
        "train": RemoteFile(
            "ratings_train_subset.txt",
            3965212,
            "f3f91d721c4a6d89f450fe880279ecc16bf2d44b302bb259f313518e638610b0",
            (),
        ),
        "test": RemoteFile(
            "ratings_test_subset.txt",
            979321,
            "e828b86eb4dc1dffe548177e317413a729c88dc6b2120696440513e6dd621c49",
            (),
        ),
    },
    class_names=("negative", "positive"),
    citation="Park, Naver sentiment movie corpus v1.0, https://github.com/e9t/nsmc",
    licence="CC0 1.0",
)

# All 3,000 recordings as one flat archive; lies in a folder or not at all.
SPOKEN_DIGITS = Source(
    folder="spoken-digits",
    files={
        "all": RemoteFile(
            "recordings.zip",
            16095380,
            "940e06be898b1aad563e75019878574cd48629e0f7da38752c316cbfa36d3f96",
            (),
        )
    },
    class_names=tuple("0123456789"),
    citation="Jackson and others, Free Spoken Digit Dataset, doi:10.5281/zenodo.1342401",
    licence="CC BY-SA 4.0",
)

TINY_SHAKESPEARE = Source(
    folder="tinyshakespeare",
    files={
        "all": RemoteFile(
            "input.txt",
            1115394,
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",),
        )
    },
    class_names=(),
    citation="Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015; "
    "plays of William Shakespeare",
    licence="the text is in the public domain",
)

SOURCES = (
    MNIST,
    FASHION_MNIST,
    CIFAR10,
    CIFAR10_SUBSET,
    NSMC_SUBSET,
    SPOKEN_DIGITS,
    TINY_SHAKESPEARE,
)
