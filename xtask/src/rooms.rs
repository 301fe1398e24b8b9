//! The map of the house as data: which room may use which, and which crate may use which.
//!
//! A room is a module of `crates/glassnet/src`. What a room may use includes what those rooms may use
//! themselves, less what the room must `never` touch.

use std::collections::BTreeSet;

/// A module of the core crate.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The module's name.
    pub name: &'static str,
    /// What it does, in half a sentence.
    pub what: &'static str,
    /// The rooms it builds on.
    pub may_use: &'static [&'static str],
    /// The rooms it must not reach, even through others.
    pub never: &'static [&'static str],
}

/// A package of the workspace.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// The package's name.
    pub name: &'static str,
    /// The packages of ours it may depend on (tests may depend on any).
    pub may_use: &'static [&'static str],
}

const fn room(name: &'static str, what: &'static str, may_use: &'static [&'static str]) -> Room {
    Room { name, what, may_use, never: &[] }
}

/// Every room there is or will be, from the ground up.
pub const ROOMS: &[Room] = &[
    room("error", "what went wrong, where, how to mend it", &[]),
    room("math", "scalar functions with stated bounds, seeded generators", &["error"]),
    room("tensor", "dense arrays", &["error", "math"]),
    room("graph", "the centre: operations, shapes, checks, text form", &["error"]),
    room("formula", "expression tree: parse, print, evaluate, differentiate", &["error", "math"]),
    room("nn", "layers, notation, initialisers, state dict", &["graph", "tensor", "formula"]),
    room("grad", "reverse mode, graph to graph", &["graph"]),
    room("reference", "f64 evaluation in plain loops: the oracle", &["graph", "tensor", "math"]),
    room("engine", "f32 plan in one arena, kernels, threads", &["graph", "tensor", "math"]),
    room("train", "losses, optimisers, schedules, the loop", &["engine", "grad", "nn"]),
    room("trace", "every value of one pass as data", &["engine", "reference", "grad", "train"]),
    room("document", "what people read, as data", &["formula"]),
    Room {
        name: "prove",
        what: "bounds, queries, regions, certificates",
        may_use: &["graph", "tensor"],
        // A proof must not share its arithmetic with what it proves.
        never: &["engine", "reference", "math"],
    },
    Room {
        name: "checker",
        what: "replays certificates and proofs in exact arithmetic of its own",
        may_use: &["graph", "tensor"],
        // Whoever makes a certificate need not be trusted.
        never: &["prove", "simplify", "engine", "reference", "math"],
    },
    Room {
        name: "simplify",
        what: "unit states, named rewrites with certificates, equality",
        may_use: &["graph", "tensor", "nn", "prove", "checker"],
        never: &["engine", "reference", "math"],
    },
    room("draw", "network, curves, regions as scenes", &["graph", "trace", "prove", "document"]),
    room("derive", "derivations as documents", &["formula", "trace", "nn", "prove", "document"]),
    room(
        "explain",
        "traces as documents; exact loss along a weight, attributions, reasons",
        &["formula", "trace", "nn", "train", "prove", "simplify", "document"],
    ),
    room(
        "worked",
        "worked explanations of one topic with the user's numbers",
        &["derive", "explain", "train", "simplify", "draw", "document"],
    ),
    room(
        "lesson",
        "the exercise as a document made live, and fresh variants of its tasks",
        &["worked", "explain", "derive", "document"],
    ),
    room("doctor", "diagnosis rules and fixes", &["trace", "train", "prove", "document"]),
    room("report", "renders documents", &["document", "formula", "draw"]),
];

/// Every package there is or will be.
pub const PACKAGES: &[Package] = &[
    Package { name: "glassnet", may_use: &[] },
    Package { name: "glassnet-formats", may_use: &["glassnet"] },
    Package { name: "glassnet-data", may_use: &["glassnet", "glassnet-formats"] },
    Package {
        name: "glassnet-playground",
        may_use: &["glassnet", "glassnet-formats", "glassnet-data"],
    },
    Package {
        name: "glassnet-cli",
        may_use: &["glassnet", "glassnet-formats", "glassnet-data", "glassnet-playground"],
    },
    Package {
        name: "glassnet-py",
        may_use: &[
            "glassnet",
            "glassnet-formats",
            "glassnet-data",
            "glassnet-playground",
            // The command line is a part of the package, and what its verbs explain is shown in notebooks.
            "glassnet-cli",
        ],
    },
    Package { name: "glassnet-fuzz", may_use: &["glassnet", "glassnet-formats", "glassnet-data"] },
    Package { name: "glassnet-fuzz-shells", may_use: &["glassnet-fuzz"] },
    Package { name: "xtask", may_use: &[] },
];

/// The room called `name`.
pub fn find(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// All rooms that `room` may use: those of its row, and what they may use, less its `never`.
pub fn reachable(room: &Room) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for &name in room.may_use {
        found.insert(name);
        if let Some(below) = find(name) {
            found.extend(reachable(below));
        }
    }
    found.retain(|name| !room.never.contains(name));
    found
}

/// The table of rooms as Markdown, for `ARCHITECTURE.md`.
pub fn table() -> String {
    let mut text = String::from("| room | what it does | may use |\n|---|---|---|\n");
    for room in ROOMS {
        let mut may_use = if room.may_use.is_empty() {
            "nothing".to_owned()
        } else {
            room.may_use.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        if !room.never.is_empty() {
            may_use.push_str("; never ");
            let names: Vec<_> = room.never.iter().map(|name| format!("`{name}`")).collect();
            may_use.push_str(&names.join(", "));
        }
        text.push_str(&format!("| `{}` | {} | {may_use} |\n", room.name, room.what));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_builds_on_rooms_above_it_in_the_table() {
        for (index, room) in ROOMS.iter().enumerate() {
            for name in room.may_use {
                let place = ROOMS.iter().position(|other| other.name == *name);
                assert!(place.is_some_and(|place| place < index), "{} uses {name}", room.name);
            }
        }
    }

    #[test]
    fn reach_goes_through_rooms_and_stops_at_never() {
        let of = |name: &str| reachable(find(name).unwrap());
        assert!(of("train").contains("error"));
        assert!(!of("grad").contains("engine"));
        assert!(!of("prove").contains("math"));
        assert!(!of("simplify").contains("math"));
    }

    #[test]
    fn the_table_names_every_room_once() {
        let table = table();
        assert_eq!(table.lines().count(), ROOMS.len() + 2);
        assert!(table.contains("| `graph`, `tensor`; never `engine`, `reference`, `math` |"));
    }
}
