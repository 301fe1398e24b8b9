//! What holds for every module.

use super::generate::module;
use crate::nn::parse;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: proptest::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn notation_reads_back(module in module()) {
        let notation = module.notation();
        let read = parse(&notation);
        prop_assert_eq!(read.as_ref(), Ok(&module), "{}", notation);
    }

    /// The printed form of a container names each child as the state dict does.
    #[test]
    fn keys_are_unique_and_begin_with_their_layer(module in module()) {
        let shapes = module.state_shapes();
        let mut keys: Vec<&str> = shapes.iter().map(|array| array.key.as_str()).collect();
        let names: Vec<String> = module.layers().into_iter().map(|(name, _)| name).collect();
        for key in &keys {
            let begins = |name: &String| {
                name.is_empty() || key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
            };
            prop_assert!(names.iter().any(begins), "{}", key);
        }
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), count);
    }

    #[test]
    fn any_text_gets_a_module_or_an_error(text in "[SequntialLrRU()\\[\\],='.0-9 \n*{}:ü-]{0,40}") {
        let _ = parse(&text);
    }
}
