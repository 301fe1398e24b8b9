//! Counts as a file, as a table, and compared with others.

use std::fmt;

/// What one case takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Count {
    pub(super) name: String,
    /// `step`, `call` or `number`.
    pub(super) unit: String,
    /// Machine instructions per unit.
    pub(super) instructions: f64,
}

/// The counts of one run, and what they depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) compiler: String,
    pub(super) valgrind: String,
    /// The instruction set.
    pub(super) level: String,
    pub(super) counts: Vec<Count>,
}

/// A count beside an earlier one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Difference {
    New,
    /// By so much of itself, within the tolerance.
    Same(f64),
    Grown(f64),
    Shrunk(f64),
}

const COLUMNS: &str = "name,unit,instructions";

impl Counts {
    /// Reads what [`Counts`] prints.
    pub(super) fn parse(text: &str) -> Result<Counts, String> {
        let mut lines = text.lines();
        let head = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
        let [compiler, valgrind, level] = head.split("; ").collect::<Vec<_>>()[..] else {
            return Err("the first line is `# compiler; valgrind; instruction set`".to_owned());
        };
        if lines.next() != Some(COLUMNS) {
            return Err(format!("the second line is `{COLUMNS}`"));
        }
        let counts = lines.map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            match (fields.as_slice(), fields.get(2).map(|field| field.parse())) {
                ([name, unit, _], Some(Ok(instructions))) => {
                    let (name, unit) = ((*name).to_owned(), (*unit).to_owned());
                    Ok(Count { name, unit, instructions })
                }
                _ => Err(format!("`{line}` is not `{COLUMNS}`")), // not operations: fields
            }
        });
        Ok(Counts {
            compiler: compiler.to_owned(),
            valgrind: valgrind.to_owned(),
            level: level.to_owned(),
            counts: counts.collect::<Result<_, _>>()?,
        })
    }

    fn find(&self, name: &str) -> Option<&Count> {
        self.counts.iter().find(|count| count.name == name)
    }

    /// How each count differs from that of the same name in `before`.
    pub(super) fn against(&self, before: &Counts, tolerance: f64) -> Vec<Difference> {
        let difference = |now: &Count| {
            let Some(before) = before.find(&now.name) else { return Difference::New };
            let change = now.instructions / before.instructions - 1.0;
            // Rounding in the file is no growth.
            if change > tolerance + 1e-9 {
                Difference::Grown(change)
            } else if change < -tolerance {
                Difference::Shrunk(change)
            } else {
                Difference::Same(change)
            }
        };
        self.counts.iter().map(difference).collect()
    }

    /// The names that `after` doesn't have.
    pub(super) fn without(&self, after: &Counts) -> Vec<&str> {
        let names = self.counts.iter().map(|count| count.name.as_str());
        names.filter(|name| after.find(name).is_none()).collect()
    }

    /// A line for each count, for a terminal.
    pub(super) fn table(&self, differences: &[Difference]) -> String {
        let width = self.counts.iter().map(|count| count.name.chars().count()).max().unwrap_or(0);
        let mut text = format!("{}; {}; {}\n", self.compiler, self.valgrind, self.level);
        for (count, difference) in self.counts.iter().zip(differences) {
            let change = match difference {
                Difference::New => "new".to_owned(),
                Difference::Same(change) => format!("{:+.1} %", change * 100.0),
                Difference::Grown(change) => format!("{:+.1} %  grown", change * 100.0),
                Difference::Shrunk(change) => format!("{:+.1} %  shrunk", change * 100.0),
            };
            text.push_str(&format!(
                "{:<width$}  {:>13.3} per {:<6}  {change}\n",
                count.name, count.instructions, count.unit
            ));
        }
        text
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}; {}; {}", self.compiler, self.valgrind, self.level)?;
        writeln!(f, "{COLUMNS}")?;
        for count in &self.counts {
            writeln!(f, "{},{},{:.3}", count.name, count.unit, count.instructions)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# rustc 1.95.0 (a 2026); valgrind-3.19.0; avx2\nname,unit,instructions\n\
                        train,step,500.250\nproduct,call,80.000\n";

    #[test]
    fn the_file_reads_back() {
        let counts = Counts::parse(TEXT).unwrap();
        assert_eq!(counts.compiler, "rustc 1.95.0 (a 2026)");
        assert_eq!(counts.counts[0].instructions, 500.25);
        assert_eq!(counts.to_string(), TEXT);
        for broken in ["", "name,unit,instructions\n", "# a; b\n", &TEXT.replace("80.000", "many")]
        {
            assert!(Counts::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn differences_are_told_apart() {
        let before = Counts::parse(TEXT).unwrap();
        let now = Counts::parse(
            "# r; v; avx2\nname,unit,instructions\ntrain,step,600.30\nproduct,call,40\nmap,number,1\n",
        )
        .unwrap();
        let [Difference::Grown(by), Difference::Shrunk(_), Difference::New] =
            now.against(&before, 0.02)[..]
        else {
            panic!("grown, shrunk, new");
        };
        assert!((by - 0.2).abs() < 1e-12);
        assert_eq!(before.without(&Counts::default()), ["train", "product"]);
    }
}
