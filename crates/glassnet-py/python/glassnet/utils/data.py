"""Data sets and batches, by `torch.utils.data`'s names; shuffled orders are PyTorch's from the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from .. import _dtype, _functions, _glassnet
from .._convert import to_tensor
from .._glassnet import Tensor

__all__ = [
    "ConcatDataset", "DataLoader", "Dataset", "RandomSampler", "Sampler", "SequentialSampler", "Subset", "TensorDataset",
    "default_collate", "random_split",
]


class Dataset:
    """The base of data sets: ``__getitem__`` and ``__len__``."""

    def __getitem__(self, index: int) -> object:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class TensorDataset(Dataset):
    """Rows of tensors that are as long as each other.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet.utils.data import DataLoader, TensorDataset
    >>> rows = TensorDataset(gn.arange(5), gn.arange(5) * 10)
    >>> [batch for batch, _ in DataLoader(rows, batch_size=2)]
    [tensor([0, 1]), tensor([2, 3]), tensor([4])]
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(len(each) != len(tensors[0]) for each in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tuple(to_tensor(each) for each in tensors)

    def __getitem__(self, index: object) -> tuple:
        return tuple(each[index] for each in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """Some of a data set's rows."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: int) -> object:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Data sets one behind the other."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)
        self.cumulative_sizes = np.cumsum([len(each) for each in self.datasets]).tolist()

    def __getitem__(self, index: int) -> object:
        index = index + len(self) if index < 0 else index
        number = int(np.searchsorted(self.cumulative_sizes, index, "right"))
        return self.datasets[number][index - (self.cumulative_sizes[number - 1] if number else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(dataset: Dataset, lengths: Sequence[float], generator: object = None) -> list[Subset]:
    """Divides a data set at random into parts of the given lengths, or shares that sum to 1."""
    total = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = [int(math.floor(total * share)) for share in lengths]
        for number in range(total - sum(counts)):
            counts[number % len(counts)] += 1
        lengths = counts
    if sum(lengths) != total:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = _glassnet.permutation(total, _functions._stream(generator)).tolist()
    ends = np.cumsum(lengths).tolist()
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, lengths)]


class Sampler:
    """The base of orders in which rows come."""

    def __iter__(self) -> Iterator[int]:
        raise NotImplementedError("a sampler is to be iterated over")


class SequentialSampler(Sampler):
    """The rows as they stand."""

    def __init__(self, data_source: Dataset) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The rows in a random order, or drawn again and again with `replacement`."""

    def __init__(self, data_source: Dataset, replacement: bool = False, num_samples: int | None = None, generator: object = None) -> None:
        self.data_source, self.replacement, self._num_samples, self.generator = data_source, replacement, num_samples, generator
        if num_samples is not None and num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")

    @property
    def num_samples(self) -> int:
        """How many rows an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        count, wanted = len(self.data_source), self.num_samples
        generator = _functions._stream(self.generator)
        if generator is None:
            # As PyTorch, which seeds a stream of the epoch's own.
            generator = _glassnet.Generator().manual_seed(_glassnet.whole())
        if self.replacement:
            for start in range(0, wanted, 32):
                drawn = np.empty(32 if start + 32 <= wanted else wanted - start, np.int64)
                yield from _glassnet.integers(drawn, 0, count, generator).tolist()
            return
        for _ in range(wanted // count):
            yield from _glassnet.permutation(count, generator).tolist()
        yield from _glassnet.permutation(count, generator).tolist()[: wanted % count]

    def __len__(self) -> int:
        return self.num_samples


def default_collate(batch: Sequence[object]) -> object:
    """Rows as one batch: tensors and arrays are stacked, numbers become a tensor, tuples and dicts are kept."""
    first = batch[0]
    if isinstance(first, Tensor):
        return Tensor._around(np.stack([each._array for each in batch]))
    if isinstance(first, np.ndarray):
        return Tensor._around(np.stack(batch))
    if isinstance(first, np.generic):
        return Tensor._around(np.asarray(batch))
    if isinstance(first, float):
        return _functions.tensor(batch, dtype=_dtype.float64)
    if isinstance(first, (bool, int)):
        return _functions.tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([each[key] for each in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(each) for each in zip(*batch)))
    if isinstance(first, (tuple, list)):
        return [default_collate(list(each)) for each in zip(*batch)]
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


class DataLoader:
    """Batches of a data set.

    Parameters
    ----------
    dataset : Dataset
        Rows.
    batch_size : int or None
        How many rows a batch has; ``None`` gives single rows.
    shuffle : bool
        Whether each epoch has an order of its own.
    sampler, batch_sampler : iterable, optional
        An order of rows, or of lists of rows.
    num_workers : int
        Accepted; rows are read by the calling thread.
    collate_fn : callable, optional
        Makes a batch of rows.
    drop_last : bool
        Whether a last batch with fewer rows is left out.
    generator : Generator, optional
        The stream that orders are drawn from.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable | None = None,
        multiprocessing_context: object = None,
        generator: object = None,
        **_: object,
    ) -> None:
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
        if batch_size is not None and batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.dataset, self.batch_size, self.drop_last, self.generator = dataset, batch_size, drop_last, generator
        self.batch_sampler, self.collate_fn, self.num_workers = batch_sampler, collate_fn, num_workers
        if sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler

    def _batches(self) -> Iterator[list[int]]:
        if self.batch_sampler is not None:
            yield from self.batch_sampler
            return
        batch: list[int] = []
        for row in self.sampler:
            batch.append(row)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __iter__(self) -> Iterator[object]:
        # PyTorch's loader draws a seed for its workers at the beginning of each epoch.
        _glassnet.whole(_functions._stream(self.generator))
        return self._rows() if self.batch_size is None and self.batch_sampler is None else self._read()

    def _rows(self) -> Iterator[object]:
        for row in self.sampler:
            yield self.dataset[row] if self.collate_fn is None else self.collate_fn(self.dataset[row])

    def _read(self) -> Iterator[object]:
        # Rows of tensors are taken at once, which gives what stacking them would.
        at_once = type(self.dataset) is TensorDataset and self.collate_fn is None
        collate = default_collate if self.collate_fn is None else self.collate_fn
        for rows in self._batches():
            if at_once:
                rows = np.asarray(rows, np.int64)
                yield [Tensor._around(each._array[rows]) for each in self.dataset.tensors]
            else:
                yield collate([self.dataset[row] for row in rows])

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        rows = len(self.sampler)
        if self.batch_size is None:
            return rows
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)
