//! What is known without computing: constants, shapes, types, and nodes that change nothing.

use glassnet::graph::{DType, Dim};
use glassnet::{Error, Result};

use super::layout::{filled, known_shape};
use super::{layout, logic};
use crate::onnx::constant::{Constant, Data, Whole};
use crate::onnx::element::{self, Class, Element};
use crate::onnx::emit::Emitter;
use crate::onnx::fold;
use crate::onnx::node::{Node, written};
use crate::onnx::value::{Known, Operands, Value};

pub(super) fn constant(
    emitter: &mut Emitter,
    node: &Node<'_>,
    _: &Operands<'_>,
) -> Result<Vec<Value>> {
    let list =
        |numbers: &[i64]| Constant::list(numbers.iter().map(|&number| Whole::Number(number)));
    let constant = if let Some(constant) = node.tensor("value")? {
        constant
    } else if let Some(number) = node.optional_float("value_float")? {
        Constant::floats(vec![], vec![number])
    } else if let Some(number) = node.optional_int("value_int")? {
        list(&[number]).reshaped(vec![])?
    } else if let Some(numbers) = node.floats("value_floats")? {
        let floats = numbers.iter().map(|&number| written(number)).collect();
        Constant::floats(vec![numbers.len()], floats)
    } else if let Some(numbers) = node.ints("value_ints")? {
        list(numbers)
    } else {
        return Err(node.unsupported("it is neither an array nor numbers"));
    };
    Ok(vec![emitter.known(constant, false)])
}

/// A number everywhere in a shape; 0 by default.
pub(super) fn constant_of_shape(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let shape = known_shape(operands.known(0, "a shape")?)?;
    let value = node.tensor("value")?.unwrap_or(Constant::floats(vec![1], vec![0.0]));
    if value.len() != 1 {
        return Err(Error::model(format!(
            "attribute value has {} elements, expected 1",
            value.len()
        )));
    }
    Ok(vec![filled(emitter, value, shape)?])
}

/// A list of axes' lengths, from `start` to `end`.
pub(super) fn shape(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let shape = emitter.shape(operands.need(0)?);
    let rank = shape.rank() as i64;
    let place = |given: i64| {
        let from_end = if given < 0 { given.saturating_add(rank) } else { given };
        from_end.clamp(0, rank) as usize
    };
    let (start, end) = (place(node.int("start", 0)?), place(node.int("end", rank)?));
    let dims = &shape.dims()[start..end.max(start)];
    let lengths = dims.iter().map(|dim| match *dim {
        Dim::Batch => Whole::Batches(1),
        Dim::Fixed(length) => Whole::Number(length as i64),
    });
    Ok(vec![emitter.known(Constant::list(lengths), false)])
}

/// The number of elements.
pub(super) fn size(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let size = layout::size(&emitter.shape(operands.need(0)?))?;
    Ok(vec![emitter.known(Constant::list([size]).reshaped(vec![])?, false)])
}

pub(super) fn identity(
    _: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![operands.need(0)?.clone()])
}

pub(super) fn cast(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let code = node.optional_int("to")?.and_then(|code| i32::try_from(code).ok()).unwrap_or(0);
    let Some(to) = Element::of(code) else {
        return Err(node.unsupported(&format!("it casts to {}", element::name_of(code))));
    };
    Ok(vec![converted(emitter, node, operands.need(0)?, to)?])
}

pub(super) fn cast_like(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let to = operands.need(1)?.element();
    Ok(vec![converted(emitter, node, operands.need(0)?, to)?])
}

/// The value as another type. Wider floats and f32 are the same here; narrower ones would round, so they are refused
/// for what is computed.
fn converted(emitter: &mut Emitter, node: &Node<'_>, x: &Value, to: Element) -> Result<Value> {
    let from = x.element();
    if from == to {
        return Ok(x.clone());
    }
    if let Value::Known(known) = x {
        let constant = known_converted(node, &known.constant, to)?;
        return Ok(Value::Known(Known { constant: constant.into(), ..known.clone() }));
    }
    match (from.class(), to.class()) {
        (Class::Float, Class::Float) if matches!(to, Element::F16 | Element::BF16) => {
            Err(node.unsupported(&format!("it rounds what is computed to {to}")))
        }
        (Class::Float | Class::Whole | Class::Truth, Class::Float)
        | (Class::Truth, Class::Whole) => {
            // Indices that are an input have no float form in a graph.
            let id = emitter.node(x)?;
            if emitter.builder.type_of(id).dtype == DType::I64 {
                return Err(node.unsupported("it makes floats of an input of indices"));
            }
            Ok(x.clone().with_element(to))
        }
        (Class::Whole, Class::Whole) => match (from.range(), to.range()) {
            (Some((least, most)), Some((lowest, highest)))
                if lowest <= least && most <= highest =>
            {
                Ok(x.clone().with_element(to))
            }
            // Indices are 64-bit here whatever the file calls them.
            _ if matches!(to, Element::I32 | Element::I64) => Ok(x.clone().with_element(to)),
            _ => Err(node.unsupported(&format!("it narrows {from} to {to}"))),
        },
        (Class::Float | Class::Whole, Class::Truth) => {
            let zero = emitter.number(0.0);
            logic::differs(emitter, x, &zero)
        }
        (Class::Float, Class::Whole) if matches!(to, Element::I32 | Element::I64) => {
            emitter.cut(x, to)
        }
        (Class::Float, Class::Whole) => {
            Err(node.unsupported(&format!("it cuts what is computed to {to}")))
        }
        (Class::Truth, Class::Truth) => Ok(x.clone()),
    }
}

fn known_converted(node: &Node<'_>, constant: &Constant, to: Element) -> Result<Constant> {
    let shape = constant.shape.clone();
    let data = match (&constant.data, to.class()) {
        (Data::Wholes(wholes), Class::Whole) => Data::Wholes(wholes.clone()),
        (Data::Wholes(wholes), Class::Float)
            if wholes.iter().any(|whole| whole.known().is_none()) =>
        {
            // The number of rows as a float: it stays what it is until it enters the graph.
            return Ok(Constant { element: to, shape, data: Data::Wholes(wholes.clone()) });
        }
        (_, Class::Float) => Data::Floats(match to {
            Element::F32 => {
                constant.to_floats()?.into_iter().map(|x| f64::from(x as f32)).collect()
            }
            Element::F64 => constant.to_floats()?,
            _ => return Err(node.unsupported(&format!("it rounds constants to {to}"))),
        }),
        (_, Class::Truth) => {
            Data::Truths(constant.to_floats()?.into_iter().map(|x| x != 0.0).collect())
        }
        (Data::Floats(_) | Data::Truths(_), Class::Whole) => {
            let numbers = constant.to_floats()?.into_iter().map(|x| {
                let whole = x.trunc();
                // Beyond 2^53 a float names no single whole number.
                let fits = whole.abs() <= 9_007_199_254_740_992.0;
                fits.then_some(Whole::Number(whole as i64))
                    .ok_or_else(|| Error::model(format!("the number {x} has no place in {to}")))
            });
            Data::Wholes(numbers.collect::<Result<Vec<Whole>>>()?)
        }
    };
    let converted = Constant { element: to, shape, data };
    if to.class() == Class::Whole {
        fold::in_range(&converted)?;
    }
    Ok(converted)
}

/// Nothing, when a network is used; the mask of what is kept is true everywhere.
pub(super) fn dropout(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    if node.opset >= 12 && operands.get(2).is_some() {
        let training = operands.known(2, "a mode")?.to_floats()?;
        let ratio =
            match operands.optional_known(1, "a ratio")?.map(Constant::to_floats).transpose()? {
                Some(ratio) => ratio.first().copied().unwrap_or(0.5),
                None => 0.5,
            };
        if training.iter().any(|&mode| mode != 0.0) && ratio != 0.0 {
            return Err(node
                .unsupported("it is exported in training mode, where it draws random numbers")
                .help("call model.eval() before exporting"));
        }
    }
    let mut results = vec![x.clone()];
    if node.proto.output.len() > 1 {
        let kept =
            Constant { element: Element::Bool, shape: vec![], data: Data::Truths(vec![true]) };
        results.push(filled(emitter, kept, emitter.shape(x))?);
    }
    Ok(results)
}

/// Ones on a diagonal.
pub(super) fn eye_like(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let shape = emitter.shape(x);
    let &[Dim::Fixed(rows), Dim::Fixed(columns)] = shape.dims() else {
        return Err(
            node.unsupported(&format!("its operand has shape {shape}, not that of a matrix"))
        );
    };
    let k = node.int("k", 0)?;
    let code = node.optional_int("dtype")?.and_then(|code| i32::try_from(code).ok());
    let Some(element) = code.map_or(Some(x.element()), Element::of) else {
        return Err(node.unsupported("its type is not read"));
    };
    let elements = fold::elements(&[rows, columns])?;
    emitter.spend(elements)?;
    let on = |place: usize| (place % columns) as i128 - (place / columns) as i128 == i128::from(k);
    let data = match element.class() {
        Class::Float => {
            Data::Floats((0..elements).map(|place| f64::from(u8::from(on(place)))).collect())
        }
        Class::Whole => {
            Data::Wholes((0..elements).map(|place| Whole::Number(i64::from(on(place)))).collect())
        }
        Class::Truth => Data::Truths((0..elements).map(on).collect()),
    };
    let constant = Constant { element, shape: vec![rows, columns], data };
    Ok(vec![emitter.known(constant, false)])
}

/// Numbers from a start in steps below a limit.
pub(super) fn range(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let ends = [
        operands.known(0, "a start")?,
        operands.known(1, "a limit")?,
        operands.known(2, "a step")?,
    ];
    if ends.iter().any(|end| end.len() != 1) {
        return Err(Error::model("start, limit and step are single numbers"));
    }
    let element = ends[0].element;
    let floats = ends.iter().map(|end| Ok(end.to_floats()?[0])).collect::<Result<Vec<f64>>>()?;
    let count = match element.class() {
        Class::Whole => whole_count(ends)?,
        Class::Float | Class::Truth => ((floats[1] - floats[0]) / floats[2]).ceil().max(0.0),
    };
    if !count.is_finite() {
        return Err(Error::model(format!(
            "numbers from {} to {} in steps of {}",
            floats[0], floats[1], floats[2]
        )));
    }
    emitter.spend(if count < 1e15 { count as usize } else { usize::MAX })?;
    let count = count as usize;
    let data = match element.class() {
        Class::Float => {
            Data::Floats((0..count).map(|at| floats[0] + at as f64 * floats[2]).collect())
        }
        Class::Whole => {
            let (start, step) = (ends[0].numbers()?[0], ends[2].numbers()?[0]);
            let number = |at: usize| i64::try_from(at).ok()?.checked_mul(step)?.checked_add(start);
            let wholes =
                (0..count).map(|at| number(at).map(Whole::Number)).collect::<Option<Vec<_>>>();
            Data::Wholes(
                wholes.ok_or_else(|| Error::model("a whole number is too large for 64 bits"))?,
            )
        }
        Class::Truth => return Err(node.unsupported("numbers of truth values")),
    };
    Ok(vec![emitter.known(Constant { element, shape: vec![count], data }, false)])
}

/// How many whole numbers there are from a start in steps below a limit; infinitely many in steps of 0.
fn whole_count(ends: [&Constant; 3]) -> Result<f64> {
    let [start, limit, step] =
        [ends[0].numbers()?[0], ends[1].numbers()?[0], ends[2].numbers()?[0]];
    let (distance, step) = (i128::from(limit) - i128::from(start), i128::from(step));
    if step == 0 {
        return Ok(f64::INFINITY);
    }
    let count = distance / step + i128::from(distance % step != 0 && (distance < 0) == (step < 0));
    Ok(count.max(0) as f64)
}
