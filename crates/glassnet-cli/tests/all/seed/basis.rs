//! 2.1: basis functions against learned units.

use super::*;

const SHEET: &[&str] = &[
    "worked",
    "basis",
    "--data",
    "xor",
    "--degrees",
    "1",
    "--fourier",
    "0",
    "--centres",
    "0 0, 1 1",
    "--net",
    "Sequential(Linear(2, 2), ReLU(), Linear(2, 1))",
    "--weights",
    r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34], "2.weight": [[1, 1]], "2.bias": [0]}"#,
];

/// The basis called `name` of an answer.
#[track_caller]
fn basis<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let all = answer["bases"].as_array().unwrap();
    all.iter()
        .find(|basis| basis["basis"].as_str().unwrap().starts_with(name))
        .unwrap_or_else(|| panic!("no basis {name}: {answer}"))
}

fn coefficients(basis: &Value) -> Vec<f64> {
    let functions = basis["functions"].as_array().unwrap();
    functions.iter().map(|function| number(&function["coefficient"])).collect()
}

#[test]
fn the_four_points_of_xor() {
    let answer = json(SHEET);
    prints(number(&basis(&answer, "linear")["mse"]), "0.25");
    let product = basis(&answer, "linear with product");
    close(number(&product["mse"]), 0.0, 1e-12);
    all_close(&coefficients(product), &[0.0, 1.0, 1.0, -2.0], 1e-12);
    let learned = basis(&answer, "learned");
    close(number(&learned["mse"]), 0.0, 1e-12);
    all_print(&coefficients(learned), &["1.00000", "-0.31153", "-0.42735"]);
    let radial = basis(&answer, "radial");
    close(number(&radial["mse"]), 0.0, 1e-12);
    assert_eq!(radial["centres"], serde_json::json!([[0.0, 0.0], [1.0, 1.0]]));
}

#[test]
fn other_points_against_normal_equations() {
    for round in 0..3 {
        let stream = &mut stream(21, round);
        let data: Vec<([f64; 2], f64)> = (0..6 + 2 * round)
            .map(|_| ([hundredths(stream, 2), hundredths(stream, 2)], hundredths(stream, 3)))
            .collect();
        let samples: Vec<String> = data.iter().map(|([a, b], y)| format!("{a} {b}:{y}")).collect();
        let samples = samples.join(",");
        let answer =
            json(&["worked", "basis", "--data", &samples, "--degrees", "1", "--epochs", "5"]);
        let linear: Vec<Vec<f64>> = data.iter().map(|([a, b], _)| vec![1.0, *a, *b]).collect();
        let product: Vec<Vec<f64>> =
            data.iter().map(|([a, b], _)| vec![1.0, *a, *b, a * b]).collect();
        let target: Vec<f64> = data.iter().map(|(_, y)| *y).collect();
        for (name, design) in [("linear", linear), ("linear with product", product)] {
            let expected = least_squares(&design, &target);
            let found = basis(&answer, name);
            all_close(&coefficients(found), &expected, 1e-9);
            let mse = design.iter().zip(&target).map(|(row, y)| {
                let fitted: f64 = row.iter().zip(&expected).map(|(x, c)| x * c).sum();
                (fitted - y).powi(2)
            });
            close(number(&found["mse"]), mse.sum::<f64>() / target.len() as f64, 1e-9);
        }
    }
}

/// The coefficients by the normal equations and Gaussian elimination.
fn least_squares(design: &[Vec<f64>], target: &[f64]) -> Vec<f64> {
    let n = design[0].len();
    let mut system: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let dot = |j: usize| design.iter().map(|row| row[i] * row[j]).sum();
            let mut equation: Vec<f64> = (0..n).map(dot).collect();
            equation.push(design.iter().zip(target).map(|(row, y)| row[i] * y).sum());
            equation
        })
        .collect();
    for pivot in 0..n {
        let best = (pivot..n)
            .max_by(|a, b| system[*a][pivot].abs().total_cmp(&system[*b][pivot].abs()))
            .unwrap();
        system.swap(pivot, best);
        for row in 0..n {
            if row != pivot {
                let factor = system[row][pivot] / system[pivot][pivot];
                for column in pivot..=n {
                    system[row][column] -= factor * system[pivot][column];
                }
            }
        }
    }
    (0..n).map(|i| system[i][n] / system[i][i]).collect()
}
