//! What bytes look like.

use glassnet_formats::Content;
use glassnet_formats::content::disagreement;

use crate::support::file;

#[test]
fn known_contents() {
    for (bytes, content) in [
        (&b""[..], Content::Empty),
        (b"\0\0\0\0\0", Content::Zeros),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", Content::Zip),
        (b"PK\x03\x04", Content::Zip),
        (b"\x28\xb5\x2f\xfd\0", Content::Zstandard),
        (b"\xfd7zXZ\0\0", Content::Xz),
        (b"BZh91AY", Content::Bzip2),
        (b"\x89HDF\r\n\x1a\n", Content::Hdf5),
        (b"GGUF\x03\0\0\0", Content::Gguf),
        (b"PAR1\x15\x04", Content::Parquet),
        (b"\x80\x04\x95\x10}\x94.", Content::Pickle),
        (b"  \n<HTML><body>", Content::Html),
        ("Gew\u{f6}hnlicher Text".as_bytes(), Content::Text),
        (b"\xff\xfe\x00\x01", Content::Unknown),
    ] {
        assert_eq!(Content::of(bytes), content, "{bytes:?}");
    }
}

#[test]
fn headers_that_begin_like_other_formats_are_safetensors() {
    // 0x8b1f begins like gzip, 0x0280 like a pickle, 0x1208_08 like ONNX.
    for length in [0x8b1f, 0x0280, 0x12_0808] {
        let bytes = file(&format!("{{{}", " ".repeat(length - 1)), b".");
        assert_eq!(Content::of(&bytes), Content::Safetensors, "{length:#x}");
        assert_eq!(Content::of(&bytes[..20]), Content::Safetensors, "{length:#x}, cut");
    }
}

#[test]
fn text_cut_within_a_character_is_text() {
    let text = "\u{20ac}".repeat(5000);
    assert_eq!(Content::of(text.as_bytes()), Content::Text);
}

#[test]
fn a_name_that_promises_another_content() {
    let bytes = file("{}", &[]);
    assert_eq!(disagreement(&bytes, "model.safetensors"), None);
    assert_eq!(disagreement(&bytes, "model"), None);
    assert_eq!(disagreement(&bytes, "model.2026-11"), None);
    let note = disagreement(&bytes, "model.onnx").unwrap();
    assert!(note.contains("ends in .onnx") && note.contains("content is safetensors"), "{note}");
}
