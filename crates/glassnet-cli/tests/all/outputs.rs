//! Where results may go, and that what stood there before is safe.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::process::Stdio;

use crate::folder::{Answer, Folder, table, words};

const SMALL: &[u8] = b"x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n";

fn folder() -> Folder {
    Folder::with(&[("t.csv", SMALL), ("old", b"what stood before")])
}

/// `glassnet train t.csv` with these flags.
fn line(flags: &str) -> Vec<String> {
    words(&format!("train t.csv --target y --epochs 1 -q {flags}"))
        .iter()
        .map(|&word| word.into())
        .collect()
}

#[test]
fn what_exists_is_replaced_only_when_asked() {
    let folder = folder();
    folder.refused(&line("--output old"), 2, "usage").names(&["old", "--force"]);
    folder
        .refused(&line("--output new --history old"), 2, "usage")
        .names(&["--history", "--force"]);
    folder
        .refused(&line("--output new --checkpoint old"), 2, "usage")
        .names(&["--checkpoint", "--force"]);
    folder.run(&line("--output old --force")).success();
    folder.run(&["summary", "old"]).success();
    folder.refused(&["predict", "old", "t.csv", "--output", "t.csv", "--force"], 2, "usage");
    folder.run(&["predict", "old", "t.csv", "--output", "p.csv"]).success();
    folder
        .refused(&["predict", "old", "t.csv", "--output", "p.csv"], 2, "usage")
        .names(&["--force"]);
    folder.run(&["predict", "old", "t.csv", "--output", "p.csv", "--force"]).success();
}

#[test]
fn the_default_output_replaces_only_models_of_ours() {
    let folder = folder();
    folder.run(&line("")).success();
    let first = folder.read("model.safetensors");
    folder.run(&line("--seed 1")).success();
    assert!(first != folder.read("model.safetensors"));
    let foreign = b"\x10\0\0\0\0\0\0\0{\"a\":{}}        ";
    for other in [&foreign[..], b"", b"precious", br#"{"glassnet": 1}"#] {
        folder.write("model.safetensors", other);
        folder.refused(&line(""), 2, "usage").names(&["model.safetensors", "--force"]);
    }
    folder.run(&line("--checkpoint state --output m")).success();
    fs::rename(folder.path("state"), folder.path("model.safetensors")).unwrap();
    folder.run(&line("--force")).success();
}

#[test]
fn no_output_is_an_input_or_another_output() {
    let folder = folder();
    folder.write("valid.csv", SMALL);
    folder.run(&line("--output m --checkpoint state")).success();
    symlink("t.csv", folder.path("link")).unwrap();
    fs::create_dir(folder.path("sub")).unwrap();
    for flags in [
        "--output t.csv --force",
        "--output ./sub/../t.csv --force",
        "--output link --force",
        "--validation valid.csv --output valid.csv --force",
        "--test valid.csv --output valid.csv --force",
        "--output new --history t.csv --force",
        "--output new --history new",
        "--output new --history ./new",
        "--output new --checkpoint new",
        "--output new --history other --checkpoint other",
        "--output state --resume state --force",
        "--output new --history state --resume state --force",
    ] {
        folder.refused(&line(flags), 2, "usage").names(&["name another file"]);
    }
    folder.refused(&["predict", "m", "t.csv", "--output", "m", "--force"], 2, "usage");
}

#[test]
fn folders_are_no_outputs() {
    let folder = folder();
    fs::create_dir(folder.path("sub")).unwrap();
    folder
        .refused(&line("--output sub --force"), 5, "io")
        .names(&["sub is a directory", "--output"]);
    folder.refused(&line("--output none/m"), 5, "io").names(&["none/m", "--output", "folder"]);
    folder.refused(&line("--output old/m"), 5, "io").names(&["old/m", "--output"]);
    folder.refused(&line("--output new --history none/h"), 5, "io").names(&["--history"]);
    let no_temporary_name = folder.run(&line("--output none/m"));
    assert!(!no_temporary_name.stderr.contains(".glassnet-"), "{no_temporary_name:?}");
}

#[test]
fn a_links_target_is_written_and_the_link_kept() {
    let folder = folder();
    symlink("old", folder.path("link")).unwrap();
    symlink("not-there-yet", folder.path("dangling")).unwrap();
    folder.refused(&line("--output link"), 2, "usage");
    folder.run(&line("--output link --force")).success();
    folder.run(&line("--output dangling")).success();
    assert_eq!(fs::read_link(folder.path("link")).unwrap().as_os_str(), "old");
    assert_eq!(fs::read_link(folder.path("dangling")).unwrap().as_os_str(), "not-there-yet");
    assert!(folder.read("old") == folder.read("not-there-yet"));
    symlink("round", folder.path("about")).unwrap();
    symlink("about", folder.path("round")).unwrap();
    folder.refused(&line("--output round"), 5, "io");
}

#[test]
fn rights_are_kept() {
    let folder = folder();
    fs::set_permissions(folder.path("old"), fs::Permissions::from_mode(0o640)).unwrap();
    folder.run(&line("--output old --force")).success();
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("old"), 0o640);
    folder.run(&line("--output new")).success();
    fs::write(folder.path("plain"), "").unwrap();
    assert_eq!(mode("new"), mode("plain"), "a new file has the rights that the umask leaves");
}

#[test]
fn a_device_is_written_to_and_never_replaced() {
    let folder = folder();
    let answer = folder.run(&line("--output /dev/full"));
    answer.check_error(5, "io");
    answer.names(&["/dev/full", "--output", "full"]);
    folder.run(&line("--output /dev/null")).success();
    for device in ["/dev/full", "/dev/null"] {
        assert!(fs::metadata(device).unwrap().file_type().is_char_device(), "{device}");
    }
    assert_eq!(folder.names(), ["old", "t.csv"]);
}

#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_not() {
    let folder = folder();
    folder.run(&line("--output m")).success();
    for args in [
        &["predict", "m", "t.csv"][..],
        &["evaluate", "m", "t.csv", "--json", "--quiet"],
        &["summary", "m"],
        &["completions", "bash"],
        &["--help"],
        &["train", "--help"],
        &["--version"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let answer = folder.command(args).stdout(Stdio::from(full)).output().unwrap();
        let answer = Answer::of(answer);
        answer.check_error(5, "io");

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let answer = folder.command(args).stdout(Stdio::from(writer)).output().unwrap();
        let answer = Answer::of(answer);
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn paths_need_not_be_utf8() {
    let folder = folder();
    let odd = |text: &[u8]| OsStr::from_bytes(text).to_owned();
    folder.write(odd(b"d\xff.csv"), SMALL);
    folder.write(odd(b"v\xff.csv"), SMALL);
    let (data, model, out) = (odd(b"d\xff.csv"), odd(b"m\xff"), odd(b"o\xff.csv"));
    let train = [
        odd(b"train"),
        data.clone(),
        odd(b"--target"),
        odd(b"y"),
        odd(b"--epochs"),
        odd(b"1"),
        odd(b"--output"),
        model.clone(),
        odd(b"--validation"),
        odd(b"v\xff.csv"),
        odd(b"--test"),
        data.clone(),
        odd(b"--history"),
        odd(b"h\xff"),
        odd(b"--checkpoint"),
        odd(b"c\xff"),
        odd(b"--json"),
    ];
    folder.run(&train).success().json();
    folder
        .run(&[odd(b"predict"), model.clone(), data.clone(), odd(b"--output"), out.clone()])
        .success();
    folder.run(&[odd(b"evaluate"), model.clone(), data.clone()]).success();
    folder.run(&[odd(b"summary"), model.clone()]).success();
    let weights =
        [odd(b"predict"), odd(b"1-32-32-2"), odd(b"n\xff"), odd(b"--weights"), model.clone()];
    folder.write(odd(b"n\xff"), "x\n1\n");
    folder.run(&weights).success();
    for name in [&b"m\xff"[..], b"h\xff", b"c\xff", b"o\xff.csv"] {
        assert!(folder.path(odd(name)).is_file(), "{name:?}");
    }
}

#[test]
fn a_full_disk_leaves_the_old_file_as_it_was() {
    let folder = folder();
    // A file size limit stands for the full disk: writing fails halfway in the same place.
    let shell = format!(
        "trap '' XFSZ; ulimit -f 4; exec {} train t.csv --target y --epochs 1 -q --hidden 64,64 --output old --force",
        crate::folder::GLASSNET
    );
    let before = folder.contents();
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &shell]).current_dir(folder.path("."));
    let answer = Answer::of(command.output().unwrap());
    answer.check_error(5, "io");
    assert!(before == folder.contents(), "{:?}", folder.names());
}

#[test]
fn the_whole_data_can_come_from_stdin() {
    let folder = Folder::new();
    let bytes = fs::read(table("penguins.csv")).unwrap();
    let args = words("train - --target species --epochs 1 --output m --json");
    folder.run_with_stdin(&args, &bytes).success().json();
    folder.run_with_stdin(&["evaluate", "m", "-", "--json"], &bytes).success().json();
}
