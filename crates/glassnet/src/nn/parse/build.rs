//! From a tree of calls to modules.

use super::fault::{fault, nearest};
use super::syntax::{Argument, Call, Kind, Node};
use crate::error::{Error, Result};
use crate::nn::Module;
use crate::nn::arguments;
use crate::nn::embed_columns::EmbedColumns;
use crate::nn::layer::{Residual, Sequential};
use crate::nn::signature::{Literal, Signature, kinds, signature};
use crate::nn::validate::bad_name;
use std::ops::Range;

/// The module that `node` builds.
pub(super) fn module(source: &str, node: &Node) -> Result<Module> {
    Build { source }.module(node)
}

struct Build<'a> {
    source: &'a str,
}

impl Build<'_> {
    fn fault(&self, range: &Range<usize>, what: impl Into<String>) -> Error {
        fault(self.source, range.clone(), what)
    }

    fn module(&self, node: &Node) -> Result<Module> {
        let call = match &node.kind {
            Kind::Call(call) => call,
            Kind::Name(name) => return Err(self.bare_name(name, &node.range)),
            Kind::List(_) => {
                let what = "a layer was expected, not a tuple or list";
                return Err(self.fault(&node.range, what).help("write the layers without it"));
            }
            Kind::None | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Pairs(_) => {
                return Err(self
                    .fault(&node.range, "a layer was expected here")
                    .help("write one such as Linear(2, 3), or widths such as 6-32-4"));
            }
        };
        match plain(&call.name) {
            "Sequential" => Ok(Module::Sequential(self.container(call)?)),
            "Residual" => Ok(Module::Residual(Residual { inner: self.container(call)? })),
            "EmbedColumns" => self.embed_columns(call),
            "Activation" => self.layer(call, "Formula"),
            kind => self.layer(call, kind),
        }
    }

    fn bare_name(&self, name: &str, range: &Range<usize>) -> Error {
        let kind = plain(name);
        if kinds().any(|known| known == kind) {
            let what = format!("{name} has no brackets");
            return self.fault(range, what).help(format!("write {name}()"));
        }
        self.unknown_layer(name, range)
    }

    fn unknown_layer(&self, name: &str, range: &Range<usize>) -> Error {
        let error = self.fault(range, format!("there is no layer {name}"));
        match nearest(plain(name), kinds().chain(["OrderedDict", "Activation"])) {
            Some(near) => error.help(format!("did you mean {near}?")),
            None => error.help(format!("there are {}", kinds().collect::<Vec<_>>().join(", "))),
        }
    }

    fn layer(&self, call: &Call, kind: &str) -> Result<Module> {
        let Some(signature) = signature(kind) else {
            return Err(self.unknown_layer(&call.name, &call.name_range));
        };
        if kind == "Identity" {
            // PyTorch's Identity takes any arguments and drops them.
            return Ok(Module::Identity);
        }
        let bound = self.bind(call, signature)?;
        let place = |argument: &str| {
            let at = signature.arguments.iter().position(|(name, _)| *name == argument);
            at.and_then(|at| bound[at].1.clone()).unwrap_or_else(|| call.name_range.clone())
        };
        let values = bound.iter().map(|(value, _)| value.clone()).collect();
        let built = arguments::layer(kind, values).and_then(|module| match module.refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(module),
        });
        built.map_err(|refusal| {
            let error = self.fault(&place(refusal.argument), refusal.what).help(refusal.help);
            refusal.details.into_iter().fold(error, Error::detail)
        })
    }

    /// A value for every argument of the signature, with its place where it was given.
    fn bind(
        &self,
        call: &Call,
        signature: &Signature,
    ) -> Result<Vec<(Literal, Option<Range<usize>>)>> {
        let mut given: Vec<Option<&Node>> = vec![None; signature.arguments.len()];
        let mut position = 0;
        let mut named = false;
        for Argument { name, value } in &call.arguments {
            let at = match name {
                None if named => {
                    let what = "an argument without a name follows one with a name";
                    return Err(self.fault(&value.range, what).help("name it, too"));
                }
                None if position >= signature.positional => {
                    return Err(self.too_many(call, signature, &value.range));
                }
                None => position,
                Some((name, range)) => {
                    named = true;
                    self.argument_named(name, range, call, signature)?
                }
            };
            position += usize::from(name.is_none());
            if given[at].is_some() {
                let range = name.as_ref().map_or(&value.range, |(_, range)| range);
                let what = format!("{} is given twice", signature.arguments[at].0);
                return Err(self.fault(range, what).help("remove one of them"));
            }
            given[at] = Some(value);
        }
        let declared = signature.arguments.iter();
        declared
            .zip(given)
            .map(|((name, default), given)| match (given, default.literal()) {
                (Some(node), _) => Ok((self.literal(node)?, Some(node.range.clone()))),
                (None, Some(default)) => Ok((default, None)),
                (None, None) => {
                    let what = format!("{} misses its argument {name}", call.name);
                    Err(self.fault(&call.name_range, what).help(usage(call, signature)))
                }
            })
            .collect()
    }

    fn argument_named(
        &self,
        name: &str,
        range: &Range<usize>,
        call: &Call,
        signature: &Signature,
    ) -> Result<usize> {
        let names = || signature.arguments.iter().map(|(name, _)| *name);
        names().position(|known| known == name).ok_or_else(|| {
            let error = self.fault(range, format!("{} has no argument {name}", call.name));
            match (name, nearest(name, names())) {
                ("device" | "dtype", _) => error.help("leave it out: all is f32 on the processor"),
                (_, Some(near)) => error.help(format!("did you mean {near}?")),
                (_, None) => error.help(usage(call, signature)),
            }
        })
    }

    fn too_many(&self, call: &Call, signature: &Signature, range: &Range<usize>) -> Error {
        let what = match signature.positional {
            0 => format!("{} takes no arguments", call.name),
            1 => format!("{} takes at most 1 argument without a name", call.name),
            most => format!("{} takes at most {most} arguments without a name", call.name),
        };
        self.fault(range, what).help(usage(call, signature))
    }

    fn literal(&self, node: &Node) -> Result<Literal> {
        Ok(match &node.kind {
            Kind::None => Literal::None,
            Kind::Bool(value) => Literal::Bool(*value),
            Kind::Number(value) => Literal::Number(*value),
            Kind::Text(value) => Literal::Text(value.clone()),
            Kind::List(items) => {
                Literal::List(items.iter().map(|item| self.literal(item)).collect::<Result<_>>()?)
            }
            Kind::Name(name) => {
                let error = self.fault(&node.range, format!("{name} is not known here"));
                return Err(match nearest(name, ["True", "False", "None"]) {
                    Some(near) => error.help(format!("did you mean {near}?")),
                    None => error.help("write a number, True, False, None or text in quotes"),
                });
            }
            Kind::Call(_) | Kind::Pairs(_) => {
                return Err(self
                    .fault(&node.range, "a plain value was expected here")
                    .help("write a number, True, False, None or text in quotes"));
            }
        })
    }

    fn container(&self, call: &Call) -> Result<Sequential> {
        if let [Argument { name: None, value }] = call.arguments.as_slice()
            && let Some(named) = self.named_children(value)?
        {
            return Ok(named);
        }
        let names: Vec<&Range<usize>> =
            call.arguments.iter().filter_map(|a| Some(&a.name.as_ref()?.1)).collect();
        if names.is_empty() {
            let children = call.arguments.iter().map(|argument| self.module(&argument.value));
            return Ok(Sequential::new(children.collect::<Result<Vec<_>>>()?));
        }
        let mut children = vec![];
        for Argument { name, value } in &call.arguments {
            let Some((name, range)) = name else {
                let what = "a layer without a name stands among named ones";
                return Err(self.fault(&value.range, what).help("name all of them, or none"));
            };
            children.push((name.clone(), range, value));
        }
        self.named(children)
    }

    /// Tables named by the columns that look them up.
    fn embed_columns(&self, call: &Call) -> Result<Module> {
        let inner = self.container(call)?;
        let mut tables = vec![];
        for (name, child) in inner.children() {
            let column = name.parse::<usize>().ok().filter(|column| column.to_string() == *name);
            let Some(column) = column else {
                let what = format!("{name:?} is no number of a column");
                return Err(self.fault(&call.name_range, what).help(
                    "write EmbedColumns({'0': Embedding(12, 6)}); columns are counted from 0",
                ));
            };
            let Module::Embedding(table) = child else {
                let what = format!("column {column} has a {}, not a table", child.kind());
                return Err(self
                    .fault(&call.name_range, what)
                    .help("write Embedding(num_embeddings, embedding_dim)"));
            };
            tables.push((column, *table));
        }
        Ok(EmbedColumns::new(tables).into())
    }

    /// The children of `OrderedDict([('a', …)])`, `OrderedDict(a=…)` or `{'a': …}`; `None` for anything else.
    fn named_children(&self, node: &Node) -> Result<Option<Sequential>> {
        let pairs: &Node = match &node.kind {
            Kind::Pairs(_) => node,
            Kind::Call(call) if call.name.rsplit('.').next() == Some("OrderedDict") => {
                match call.arguments.as_slice() {
                    [Argument { name: None, value }] => value,
                    arguments => {
                        let children = arguments.iter().map(|Argument { name, value }| {
                            let (name, range) = name.as_ref().ok_or_else(|| {
                                let what = "OrderedDict takes one list of pairs";
                                self.fault(&value.range, what)
                                    .help("write OrderedDict([('name', layer), …])")
                            })?;
                            Ok((name.clone(), range, value))
                        });
                        return self.named(children.collect::<Result<_>>()?).map(Some);
                    }
                }
            }
            _ => return Ok(None), // not operations: other expressions
        };
        let mut children = vec![];
        match &pairs.kind {
            Kind::Pairs(entries) => {
                for (key, value) in entries {
                    children.push(self.name_and_layer(key, value)?);
                }
            }
            Kind::List(entries) => {
                for entry in entries {
                    let pair = match &entry.kind {
                        Kind::List(pair) => pair.as_slice(),
                        _ => &[],
                    };
                    let [key, value] = pair else {
                        let what = "a pair of a name and a layer was expected here";
                        return Err(self.fault(&entry.range, what).help("write ('name', layer)"));
                    };
                    children.push(self.name_and_layer(key, value)?);
                }
            }
            _ => {
                let what = "OrderedDict takes one list of pairs";
                return Err(self
                    .fault(&pairs.range, what)
                    .help("write OrderedDict([('name', layer), …])"));
            }
        }
        self.named(children).map(Some)
    }

    fn name_and_layer<'a>(
        &self,
        key: &'a Node,
        value: &'a Node,
    ) -> Result<(String, &'a Range<usize>, &'a Node)> {
        let Kind::Text(name) = &key.kind else {
            return Err(self.fault(&key.range, "a layer's name is text").help("put it in quotes"));
        };
        Ok((name.clone(), &key.range, value))
    }

    fn named(&self, children: Vec<(String, &Range<usize>, &Node)>) -> Result<Sequential> {
        let names = children.iter().map(|(name, _, _)| name.as_str());
        if let Some((bad, why)) = bad_name(names) {
            // The last of that name is the one that stands there again.
            let place = children.iter().rev().find(|(name, _, _)| name == bad);
            let range = place.map_or(0..0, |(_, range, _)| (*range).clone());
            return Err(self.fault(&range, format!("the name {bad:?} {why}")).help("rename it"));
        }
        let children = children.into_iter().map(|(name, _, node)| Ok((name, self.module(node)?)));
        Ok(Sequential::named(children.collect::<Result<Vec<_>>>()?))
    }
}

/// The class name without `nn.` or `torch.nn.` before it.
fn plain(name: &str) -> &str {
    ["torch.nn.", "nn."].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// `write Linear(in_features, out_features, bias=True)`
fn usage(call: &Call, signature: &Signature) -> String {
    let arguments = signature.arguments.iter().map(|(name, default)| match default.literal() {
        None => (*name).to_owned(),
        Some(default) => format!("{name}={default}"),
    });
    format!("write {}({})", call.name, arguments.collect::<Vec<_>>().join(", "))
}
