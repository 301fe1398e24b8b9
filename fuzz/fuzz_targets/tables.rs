//! The target `tables` of `glassnet-fuzz` for cargo-fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(init: glassnet_fuzz::pass_over_guarded_panics(), |bytes: &[u8]| {
    if let Some(target) = glassnet_fuzz::find("tables") {
        (target.run)(bytes);
    }
});
