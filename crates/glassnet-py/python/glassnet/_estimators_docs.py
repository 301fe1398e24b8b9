"""What the docstrings of both estimators have in common."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["documented"]

_Class = TypeVar("_Class", bound=type)

_SHARED = """
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The width of each hidden layer.
    activation : str or sequence of str, default='relu'
        That of the hidden layers: scikit-learn's ``'identity'``, ``'logistic'``, ``'tanh'``, ``'relu'``, others such as
        ``'gelu'``, ``'silu'``, or one as in ``torch.nn``: ``'LeakyReLU(0.2)'``. A sequence has one for each layer.
    solver : {'adam', 'sgd', 'lbfgs'}, default='adam'
        ``'lbfgs'`` takes all rows in every step and needs SciPy.
    alpha : float, default=0.0001
        ``alpha / 2`` times the sum of all squared weights (not biases), divided by the rows of the batch, is added to the
        loss.
    batch_size : int or 'auto', default='auto'
        Rows per step; ``'auto'`` is ``min(200, rows)``.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        For ``solver='sgd'``: how the learning rate falls, as in scikit-learn.
    learning_rate_init : float, default=0.001
        The learning rate.
    power_t : float, default=0.5
        The exponent of ``'invscaling'``.
    max_iter : int, default=200
        The most epochs.
    shuffle : bool, default=True
        Whether every epoch has an order of its own.
    random_state : int, RandomState or None, default=None
        Of initial weights, order, split and dropout.
    tol : float, default=1e-4
        What counts as an improvement.
    verbose : bool, default=False
        Whether every epoch prints its loss.
    warm_start : bool, default=False
        Whether ``fit`` goes on with the weights of the last one.
    momentum, nesterovs_momentum : float, bool, default=0.9, True
        For ``solver='sgd'``. The momentum is PyTorch's: where the learning rate falls, directions from before count with
        the new one.
    early_stopping : bool, default=False
        Whether a part of the rows judges every epoch: training stops when its score doesn't improve any more, and the
        weights of the best score win.
    validation_fraction : float, default=0.1
        That part.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        For ``solver='adam'``.
    n_iter_no_change : int, default=10
        Training stops after more than so many epochs without improvement.
    max_fun : int, default=15000
        For ``solver='lbfgs'``: the most evaluations of the loss.
    dropout : float or sequence of float, default=0.0
        The part of each hidden layer's outputs that is left out in training. A sequence has one for each layer.
    batch_norm : bool, default=False
        Whether batch normalisation stands before each activation.
    network : str or Module, optional
        The whole network in notation (``'Sequential(Linear(4, 8), Tanh(), Linear(8, 3))'``, ``'4-8t-3'``) or as a module
        of ``glassnet.nn``, in place of the arguments that describe one. Its weights begin as PyTorch's.
    optimizer : str or object, optional
        Any optimiser as in ``torch.optim``, such as ``'NAdam(lr=0.01)'``, in place of ``solver`` and its arguments.
    schedule : str or object, optional
        Any schedule as in ``torch.optim.lr_scheduler``, such as ``'CosineAnnealingLR(T_max=100)'``.
    embedding : {'auto', 'never', 'always'}, list of str, or dict of str to int, default='auto'
        Which columns of categories in a frame become a code, which looks up a row of a trained table: those of more than 50
        values, none, all, or the columns named; a dict also says how long the table's rows are, which are otherwise
        min(600, round(1.6 n^0.56)) long for n codes. The others become a column for each value.
    handle_unknown : {'error', 'ignore'}, default='error'
        What a category that was not fitted does: it is an error that lists them, or counts as none of them.
    threads : int, optional
        How many threads compute; see ``glassnet.set_num_threads``. It changes no bit of a result."""

_ATTRIBUTES = """
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        The last, the lowest and every epoch's training loss, the penalty of ``alpha`` included.
    validation_scores_, best_validation_score_ : list of float, float
        Every epoch's score on the rows that judge, and the best; ``None`` without ``early_stopping``.
    validation_loss_curve_ : list of float
        Every epoch's loss on these rows, as the loss is in PyTorch; ``None`` without ``early_stopping``.
    coefs_, intercepts_ : list of ndarray
        The weights, of shape (inputs, outputs), and biases of each layer, float32.
    state_dict_ : dict of str to ndarray
        The same under PyTorch's keys, for ``network_``.
    network_ : str
        The network as PyTorch prints it.
    n_iter_, t_ : int
        Epochs of the last ``fit``; rows that were trained on in all.
    n_features_in_, feature_names_in_ : int, ndarray
        The columns; their names where all are strings.
    categories_ : dict of str to ndarray
        For a frame, the categories of each column of text or categories.
    n_layers_, n_outputs_, out_activation_ : int, int, str
        Layers with the input's; outputs; what follows the last layer."""


def documented(cls: _Class) -> _Class:
    """Puts the common parts into a class's docstring."""
    if cls.__doc__ is not None:
        cls.__doc__ = cls.__doc__.replace("\n    {shared}", _SHARED).replace("\n    {attributes}", _ATTRIBUTES)
    return cls
