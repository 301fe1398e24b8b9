//! The target `proof` of `glassnet-fuzz` for cargo-fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(target) = glassnet_fuzz::find("proof") {
        (target.run)(bytes);
    }
});
