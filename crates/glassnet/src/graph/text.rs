//! The text form of a graph: what `Display` prints and [`parse`] reads.
//!
//! ```text
//! graph      = { line "\n" } .
//! line       = [ node | output ] [ "#" anything ] .
//! node       = "%" number "=" name [ "(" [ operand { "," operand } ] ")" ] [ attributes ] [ ":" type ] [ origin ] .
//! output     = "output" string "=" operand .
//! operand    = "%" number .
//! attributes = "{" [ name "=" value { "," name "=" value } ] "}" .
//! value      = number | "true" | "false" | string | name | shape .
//! type       = ( "f32" | "f64" | "i64" | "bool" ) shape .
//! shape      = "[" [ dim { "," dim } ] "]" .
//! dim        = "B" | number .
//! origin     = "@" [ "gradient" ] ( "layer" string | "line" number | "loss" | "graph" ) [ string ] .
//! string     = a quoted text with Rust's escapes \" \\ \n \t \u{…} .
//! number     = a decimal integer or float, also "inf", "-inf", "NaN" .
//! ```
//!
//! Nodes are numbered from 0 in order. A type after a node is checked against the inferred one. A node without an
//! origin gets the line it stands on.

use std::fmt;

use super::op::{Attribute, Attributes};
use super::{Builder, DType, Dim, Graph, NodeId, Op, Origin, Place, Shape, Type};
use crate::error::{Error, Result};

/// More nodes than this in one text are refused before they take memory.
const MAX_BYTES: usize = 64 << 20;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checked = super::check(self.clone()).ok();
        for id in self.ids() {
            let node = self.node(id);
            write!(f, "%{} = {}", id.index(), node.op().name())?;
            if !node.operands().is_empty() {
                let operands: Vec<String> =
                    node.operands().iter().map(|operand| format!("%{}", operand.index())).collect();
                write!(f, "({})", operands.join(", "))?;
            }
            let attributes: Vec<String> = node
                .op()
                .attributes()
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if !attributes.is_empty() {
                write!(f, " {{{}}}", attributes.join(", "))?;
            }
            if let Some(checked) = &checked {
                write!(f, " : {}", checked.type_of(id))?;
            }
            writeln!(f, "{}", OriginText(node.origin()))?;
        }
        for (name, id) in self.outputs() {
            writeln!(f, "output {name:?} = %{}", id.index())?;
        }
        Ok(())
    }
}

struct OriginText<'a>(&'a Origin);

impl fmt::Display for OriginText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { place, kind, gradient } = self.0;
        f.write_str(" @")?;
        if *gradient {
            f.write_str(" gradient")?;
        }
        match place {
            Place::Layer(path) => write!(f, " layer {path:?}")?,
            Place::Line(line) => write!(f, " line {line}")?,
            Place::Loss => f.write_str(" loss")?,
            Place::Own => f.write_str(" graph")?,
        }
        if kind.is_empty() { Ok(()) } else { write!(f, " {kind:?}") }
    }
}

/// Reads the text form of a graph.
///
/// # Errors
/// The first line that does not follow the grammar or whose node does not fit its operands, with line and column.
pub fn parse(text: &str) -> Result<Graph> {
    if text.len() > MAX_BYTES {
        return Err(Error::new(crate::ErrorKind::Limit, "a graph's text may have at most 64 MiB"));
    }
    let mut builder = Builder::new();
    for (index, line) in text.lines().enumerate() {
        let mut cursor = Cursor { text: line, at: 0 };
        parse_line(&mut cursor, index + 1, &mut builder).map_err(|error| match error.place() {
            Some(_) => error,
            None => error.at(format!("line {}, column {}", index + 1, cursor.column())),
        })?;
    }
    Ok(builder.finish())
}

fn parse_line(cursor: &mut Cursor<'_>, line: usize, builder: &mut Builder) -> Result<()> {
    cursor.skip_space();
    if cursor.eat("%") {
        parse_node(cursor, line, builder)?;
    } else if cursor.eat("output") {
        let name = cursor.string()?;
        cursor.expect("=")?;
        let id = cursor.operand(builder)?;
        builder.output(name, id);
    }
    cursor.skip_space();
    if cursor.rest().is_empty() || cursor.rest().starts_with('#') {
        return Ok(());
    }
    Err(Error::usage(format!("{:?} is not expected here", cursor.rest())))
}

fn parse_node(cursor: &mut Cursor<'_>, line: usize, builder: &mut Builder) -> Result<()> {
    let number = cursor.length()?;
    if number != builder.graph().nodes().len() {
        return Err(Error::usage(format!(
            "node %{number} stands where %{} is due",
            builder.graph().nodes().len()
        )));
    }
    cursor.expect("=")?;
    let name = cursor.name()?.to_owned();
    let mut operands = vec![];
    if cursor.eat("(") {
        while !cursor.eat(")") {
            if !operands.is_empty() {
                cursor.expect(",")?;
            }
            operands.push(cursor.operand(builder)?);
        }
    }
    let attributes = if cursor.eat("{") { cursor.attributes()? } else { Attributes::default() };
    let declared = if cursor.eat(":") { Some(cursor.type_()?) } else { None };
    let origin = if cursor.eat("@") {
        cursor.origin()?
    } else {
        Origin { place: Place::Line(line), ..Origin::default() }
    };
    let place = origin.to_string();
    builder.set_origin(origin);
    let op = Op::from_text(&name, attributes)?;
    let id = builder.push(op, operands)?;
    match declared {
        Some(declared) if declared != *builder.type_of(id) => Err(Error::network(format!(
            "%{number} is declared {declared} and computes {}",
            builder.type_of(id)
        ))
        .at(place)),
        Some(_) | None => Ok(()),
    }
}

/// A position in one line; tokens may be separated by spaces.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(Error::usage(format!("{token:?} is expected here")))
        }
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        self.skip_space();
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn name(&mut self) -> Result<&'a str> {
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() { Err(Error::usage("a name is expected here")) } else { Ok(name) }
    }

    fn length(&mut self) -> Result<usize> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| Error::usage(format!("{digits:?} is no whole number")))
    }

    fn operand(&mut self, builder: &Builder) -> Result<NodeId> {
        self.expect("%")?;
        let number = self.length()?;
        if number < builder.graph().nodes().len() {
            return Ok(NodeId(number as u32));
        }
        Err(Error::usage(format!("%{number} is used before it is defined"))
            .help("put operands before their users"))
    }

    fn string(&mut self) -> Result<String> {
        self.expect("\"")?;
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += offset + 1;
                    return Ok(text);
                }
                '\\' => text.push(unescape(&mut chars)?),
                c => text.push(c),
            }
        }
        Err(Error::usage("the quoted text does not end"))
    }

    fn attributes(&mut self) -> Result<Attributes> {
        let mut attributes = Attributes::default();
        while !self.eat("}") {
            if attributes.iter().next().is_some() {
                self.expect(",")?;
            }
            let name = self.name()?.to_owned();
            self.expect("=")?;
            attributes = attributes.with(&name, self.value()?);
        }
        Ok(attributes)
    }

    fn value(&mut self) -> Result<Attribute> {
        self.skip_space();
        Ok(match self.rest().chars().next() {
            Some('"') => Attribute::Text(self.string()?),
            Some('[') => Attribute::Shape(self.shape()?),
            Some('0'..='9' | '-') => self.numeral()?,
            Some(_) => match self.name()? {
                "true" => Attribute::Flag(true),
                "false" => Attribute::Flag(false),
                "inf" => Attribute::Number(f64::INFINITY),
                "NaN" => Attribute::Number(f64::NAN),
                word => Attribute::Word(word.into()),
            },
            None => return Err(Error::usage("a value is expected here")),
        })
    }

    fn numeral(&mut self) -> Result<Attribute> {
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        let bad = || Error::usage(format!("{text:?} is no number"));
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            text.parse().map(Attribute::Integer).map_err(|_| bad())
        } else {
            text.parse().map(Attribute::Number).map_err(|_| bad())
        }
    }

    fn shape(&mut self) -> Result<Shape> {
        self.expect("[")?;
        let mut dims = vec![];
        while !self.eat("]") {
            if !dims.is_empty() {
                self.expect(",")?;
            }
            dims.push(if self.eat("B") { Dim::Batch } else { Dim::Fixed(self.length()?) });
        }
        Ok(dims.into())
    }

    fn type_(&mut self) -> Result<Type> {
        let name = self.name()?;
        let dtype = DType::parse(name)
            .ok_or_else(|| Error::usage(format!("there is no element type {name:?}")))?;
        Ok(Type { dtype, shape: self.shape()? })
    }

    fn origin(&mut self) -> Result<Origin> {
        let gradient = self.eat("gradient");
        let place = match self.name()? {
            "layer" => Place::Layer(self.string()?),
            "line" => Place::Line(self.length()?),
            "loss" => Place::Loss,
            "graph" => Place::Own,
            other => return Err(Error::usage(format!("{other:?} is no origin"))),
        };
        self.skip_space();
        let kind = if self.rest().starts_with('"') { self.string()? } else { String::new() };
        Ok(Origin { place, kind, gradient })
    }
}

fn unescape(chars: &mut std::str::CharIndices<'_>) -> Result<char> {
    let bad = || Error::usage("an escape is one of \\\" \\\\ \\' \\n \\r \\t \\0 \\u{…}");
    match chars.next().map(|(_, c)| c) {
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('0') => Ok('\0'),
        Some(c @ ('"' | '\\' | '\'')) => Ok(c),
        Some('u') => {
            let digits: String = chars
                .map(|(_, c)| c)
                .skip_while(|&c| c == '{')
                .take_while(|&c| c != '}')
                .take(9)
                .collect();
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or_else(bad)
        }
        Some(_) | None => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::{
        Activation, ActivationGrad, Arithmetic, CrossEntropy, Loss, LossReduction, PairLoss,
        Reduce, Reduction,
    };

    fn fails(text: &str, expected: &str) {
        let message = parse(text).expect_err(text).to_string();
        assert!(message.contains(expected), "{message:?} does not contain {expected:?}");
    }

    #[test]
    fn every_sort_of_operation_round_trips() -> Result<()> {
        let mut b = Builder::new();
        b.set_origin(Origin::layer("a \"b\"\n", "Linear"));
        let x = b.input("x", DType::F32, Shape::batch([4]))?;
        let y = b.input("y", DType::I64, Shape::batch([]))?;
        let weight = b.parameter("0.weight", Shape::from([3, 4]))?;
        let z = b.affine(x, weight, None)?;
        b.set_origin(Origin::loss("CrossEntropyLoss").derivative());
        for activation in Activation::ALL {
            let a = b.activation(activation, z)?;
            b.push(Op::ActivationGrad(ActivationGrad(activation)), vec![a, z])?;
        }
        for op in Arithmetic::ALL {
            b.arithmetic(op, &vec![z; op.arity()])?;
        }
        let constant = b.constant(-1e-300)?;
        b.mul(z, constant)?;
        b.constant(f64::NEG_INFINITY)?;
        b.reduce(
            Reduce { kind: Reduction::Variance { correction: 1 }, axes: vec![0, 1], keep: true },
            z,
        )?;
        let loss = CrossEntropy { reduction: LossReduction::None, ..CrossEntropy::default() };
        let rows = b.loss(Loss::CrossEntropy(loss), &[z, y])?;
        b.loss(Loss::CrossEntropyGrad(loss), &[rows, z, y])?;
        b.loss(Loss::PairGrad { loss: PairLoss::Huber { delta: 0.5 }, operand: 1 }, &[z, z, z])?;
        b.output("loss", rows);
        let graph = b.finish();
        assert_eq!(parse(&graph.to_string())?, graph);
        Ok(())
    }

    #[test]
    fn errors_name_line_and_column() {
        fails(
            "%0 = input {name=\"x\", dtype=f32, shape=[B, 2]}\n%1 = relu(%1)",
            "line 2, column 13",
        );
        fails("%0 = constant {value=1.0}\n%1 = rely(%0)", "no operation \"rely\"");
        fails("%1 = constant {value=1.0}", "where %0 is due");
        fails("%0 = constant {value=1.0, colour=3}", "no attribute \"colour\"");
        fails("%0 = constant {value=1.0} : f32[2]", "declared f32[2] and computes f32[]");
        fails("%0 = constant {value=\"1\"}", "expected a number");
        fails("%0 = constant {value=1.0} @ layer \"0", "does not end");
        fails("%0 = constant {value=1.0} %", "not expected here");
    }
}
