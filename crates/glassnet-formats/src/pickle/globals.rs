//! The names that a pickle may use: all stand for data. The table is the whole list.

use super::object::Element;
use crate::elements::ElementType;

/// What an allowed name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`, `Counter`, `dict`: an empty dict, or one of pairs.
    Dict,
    /// `collections.defaultdict`: an empty dict, whatever its default.
    DefaultDict,
    /// `set`, `frozenset`.
    Set,
    /// `list`, `tuple`.
    List,
    /// `_codecs.encode(text, "latin1")`: bytes, as protocol 2 writes them.
    Encode,
    /// `torch.Size`: a tuple.
    Size,
    /// `torch.device` and other things that say where a tensor was.
    Device,
    /// `torch._utils._rebuild_tensor_v2`, of a storage with a type.
    RebuildTensor,
    /// `torch._utils._rebuild_tensor_v3`, of a storage of bytes.
    RebuildTyped,
    /// `torch._utils._rebuild_parameter`: its first argument.
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`: another rebuilder with its arguments.
    RebuildFromType,
    /// `torch.Tensor`, `torch.nn.parameter.Parameter`: classes that only the rebuilder before takes.
    TensorClass,
    /// A storage's class.
    Storage(Element),
    /// `torch.float16`.
    Type(Element),
    /// `numpy.dtype`.
    NumpyType,
    /// `numpy.core.multiarray.scalar`.
    NumpyScalar,
    /// `numpy.core.multiarray._reconstruct`.
    NumpyReconstruct,
    /// `numpy.ndarray`.
    NumpyArray,
    /// A class of settings, a path, a date, by its whole name: nothing is built of it, and it changes nothing else.
    Inert(&'static str),
}

/// The modules in which NumPy's functions were at one time or another.
const NUMPY: [&str; 2] = ["numpy.core.multiarray", "numpy._core.multiarray"];

/// Classes whose objects stand beside state dicts in checkpoints and hold settings alone: making one runs nothing but
/// what fills it, and touches no other object. They are passed over; no state dict is made of them.
const INERT: [&str; 37] = [
    "argparse.Namespace",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib.PurePath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib._local.Path",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "datetime.datetime",
    "datetime.date",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "typing.Any",
    "builtins.int",
    "builtins.float",
    "builtins.str",
    "builtins.bool",
    "builtins.bytes",
    "__builtin__.int",
    "__builtin__.long",
    "__builtin__.float",
    "__builtin__.unicode",
    "__builtin__.bool",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.StringNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.BooleanNode",
    "omegaconf.nodes.PathNode",
    "omegaconf.nodes.BytesNode",
];

/// Where Lightning's dict of settings was at one time or another.
const LIGHTNING: [&str; 4] = [
    "lightning.fabric.utilities.data",
    "lightning_fabric.utilities.data",
    "lightning.pytorch.utilities.parsing",
    "pytorch_lightning.utilities.parsing",
];

/// PyTorch's storage classes and what they hold.
const STORAGES: [(&str, Element); 15] = [
    ("DoubleStorage", Element::Known(ElementType::F64)),
    ("FloatStorage", Element::Known(ElementType::F32)),
    ("HalfStorage", Element::Known(ElementType::F16)),
    ("BFloat16Storage", Element::Known(ElementType::BF16)),
    ("LongStorage", Element::Known(ElementType::I64)),
    ("IntStorage", Element::Known(ElementType::I32)),
    ("ShortStorage", Element::Known(ElementType::I16)),
    ("CharStorage", Element::Known(ElementType::I8)),
    ("ByteStorage", Element::Known(ElementType::U8)),
    ("BoolStorage", Element::Known(ElementType::Bool)),
    ("ComplexFloatStorage", Element::Other("complex64")),
    ("ComplexDoubleStorage", Element::Other("complex128")),
    ("QInt8Storage", Element::Other("qint8")),
    ("QUInt8Storage", Element::Other("quint8")),
    ("QInt32Storage", Element::Other("qint32")),
];

/// PyTorch's number types by name.
const TYPES: [(&str, Element); 27] = [
    ("float64", Element::Known(ElementType::F64)),
    ("double", Element::Known(ElementType::F64)),
    ("float32", Element::Known(ElementType::F32)),
    ("float", Element::Known(ElementType::F32)),
    ("float16", Element::Known(ElementType::F16)),
    ("half", Element::Known(ElementType::F16)),
    ("bfloat16", Element::Known(ElementType::BF16)),
    ("int64", Element::Known(ElementType::I64)),
    ("long", Element::Known(ElementType::I64)),
    ("int32", Element::Known(ElementType::I32)),
    ("int", Element::Known(ElementType::I32)),
    ("int16", Element::Known(ElementType::I16)),
    ("short", Element::Known(ElementType::I16)),
    ("int8", Element::Known(ElementType::I8)),
    ("uint64", Element::Known(ElementType::U64)),
    ("uint32", Element::Known(ElementType::U32)),
    ("uint16", Element::Known(ElementType::U16)),
    ("uint8", Element::Known(ElementType::U8)),
    ("bool", Element::Known(ElementType::Bool)),
    ("complex64", Element::Other("complex64")),
    ("complex128", Element::Other("complex128")),
    ("float8_e4m3fn", Element::Other("float8_e4m3fn")),
    ("float8_e4m3fnuz", Element::Other("float8_e4m3fnuz")),
    ("float8_e5m2", Element::Other("float8_e5m2")),
    ("float8_e5m2fnuz", Element::Other("float8_e5m2fnuz")),
    ("qint8", Element::Other("qint8")),
    ("quint8", Element::Other("quint8")),
];

impl Global {
    /// What `module.name` stands for; `None` if it is not allowed.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        let global = match (module, name) {
            ("collections", "OrderedDict" | "Counter") => Global::Dict,
            ("collections", "defaultdict") => Global::DefaultDict,
            (module, "AttributeDict") if LIGHTNING.contains(&module) => Global::Dict,
            ("builtins" | "__builtin__", "dict") => Global::Dict,
            ("builtins" | "__builtin__", "set" | "frozenset") => Global::Set,
            ("builtins" | "__builtin__", "list" | "tuple") => Global::List,
            ("_codecs", "encode") => Global::Encode,
            ("torch", "Size") => Global::Size,
            ("torch", "device") => Global::Device,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v3") => Global::RebuildTyped,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Global::RebuildParameter
            }
            ("torch._tensor", "_rebuild_from_type_v2") => Global::RebuildFromType,
            ("torch", "Tensor") | ("torch.nn.parameter", "Parameter" | "Buffer") => {
                Global::TensorClass
            }
            ("torch.storage" | "torch", "UntypedStorage") => Global::Storage(Element::Untyped),
            ("numpy", "dtype") => Global::NumpyType,
            ("numpy", "ndarray") => Global::NumpyArray,
            (module, "scalar") if NUMPY.contains(&module) => Global::NumpyScalar,
            (module, "_reconstruct") if NUMPY.contains(&module) => Global::NumpyReconstruct,
            ("torch", name) => {
                let in_table = |table: &[(&str, Element)]| {
                    table.iter().find(|(known, _)| *known == name).map(|(_, element)| *element)
                };
                match in_table(&STORAGES) {
                    Some(element) => Global::Storage(element),
                    None => Global::Type(in_table(&TYPES)?),
                }
            }
            (module, name) => {
                let of = |whole: &str| {
                    whole.strip_prefix(module)?.strip_prefix('.').map(|own| own == name)
                };
                Global::Inert(INERT.into_iter().find(|whole| of(whole) == Some(true))?)
            }
        };
        Some(global)
    }
}

/// How to get at the weights of a file that names `module.name`; `file` is its name.
pub(super) fn mend(module: &str, file: &str) -> String {
    const ACTS: [&str; 16] = [
        "os",
        "posix",
        "nt",
        "subprocess",
        "sys",
        "builtins",
        "__builtin__",
        "runpy",
        "shutil",
        "socket",
        "importlib",
        "pty",
        "webbrowser",
        "ctypes",
        "pickle",
        "operator",
    ];
    let package = module.split('.').next().unwrap_or_default();
    if ACTS.contains(&package) {
        return "don't open it in Python either: loading it would run this".to_owned();
    }
    let load = format!("torch.load({file:?}, weights_only=False)");
    if module.starts_with("torch.nn") {
        return format!(
            "the file holds a whole module; if you trust who made it, save its weights alone: \
             torch.save({load}.state_dict(), \"weights.pt\")"
        );
    }
    if package != "torch" {
        return format!(
            "the file holds Python objects; if you trust who made it, save its weights alone: \
             torch.save({load}.state_dict(), \"weights.pt\"), or {load}[\"state_dict\"] where it is a dict"
        );
    }
    format!(
        "save plain tensors: torch.save({{key: value.detach().cpu().to_dense() for key, value in \
         torch.load({file:?}, weights_only=False).items()}}, \"weights.pt\")"
    )
}
