//! The target `vnnlib` of `glassnet-fuzz` for cargo-fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(target) = glassnet_fuzz::find("vnnlib") {
        (target.run)(bytes);
    }
});
