//! 1.4: softmax and log-likelihood.

use super::*;

#[test]
fn the_sheet_s_logits() {
    let answer = json(&["worked", "softmax", "A=7", "B=1", "C=2.2", "--true", "A"]);
    all_print(&numbers(&answer["exp"]), &["1096.633", "2.718", "9.025"]);
    prints(number(&answer["sum"]), "1108.376");
    let percent: Vec<f64> = numbers(&answer["p"]).iter().map(|p| 100.0 * p).collect();
    all_print(&percent, &["98.940", "0.245", "0.814"]);
    assert_eq!(answer["predicted"], "A");
    prints(number(&answer["loss"]), "0.010652");
    all_print(&numbers(&answer["gradient"]), &["-0.010595", "0.002452", "0.008143"]);
}

#[test]
fn the_sheet_s_logits_as_people_read_them() {
    let text = text(&["worked", "softmax", "A=7", "B=1", "C=2.2", "--true", "A"]);
    for printed in ["1096.633", "1108.376", "98.940 %", "0.245 %", "0.814 %", "0.010652", "0.01106"]
    {
        assert!(text.contains(printed), "{printed}: {text}");
    }
    assert!(text.contains("−0.010595") && text.contains("0.008143"), "{text}");
    assert!(text.to_lowercase().contains("log-sum-exp"), "{text}");
}

#[test]
fn other_logits_against_plain_f64() {
    for round in 0..3 {
        let stream = &mut stream(14, round);
        let logits: Vec<f64> = (0..3 + round).map(|_| hundredths(stream, 5)).collect();
        let truth = stream.below(logits.len() as u64) as usize;
        let pairs: Vec<String> =
            logits.iter().enumerate().map(|(i, z)| format!("class{i}={z}")).collect();
        let name = format!("class{truth}");
        let mut args = vec!["worked", "softmax"];
        args.extend(pairs.iter().map(String::as_str));
        args.extend(["--true", &name]);
        let answer = json(&args);
        let exp: Vec<f64> = logits.iter().map(|z| z.exp()).collect();
        let sum: f64 = exp.iter().sum();
        let p: Vec<f64> = exp.iter().map(|exp| exp / sum).collect();
        let gradient: Vec<f64> =
            p.iter().enumerate().map(|(i, p)| p - f64::from(u8::from(i == truth))).collect();
        all_close(&numbers(&answer["exp"]), &exp, 1e-12);
        close(number(&answer["sum"]), sum, 1e-12);
        all_close(&numbers(&answer["p"]), &p, 1e-12);
        close(number(&answer["loss"]), -p[truth].ln(), 1e-12);
        all_close(&numbers(&answer["gradient"]), &gradient, 1e-12);
        let best = (0..p.len()).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap();
        assert_eq!(answer["predicted"], format!("class{best}"));
    }
}
