//! The help of `weald-node` is an interface: a change of it is read.

#![cfg(test)]

use std::process::Command;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_weald-node")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_says_what_can_be_done_and_how_it_ends() {
    insta::assert_snapshot!("program", help(&[]));
    insta::assert_snapshot!("run", help(&["run"]));
    insta::assert_snapshot!("status", help(&["status"]));
    insta::assert_snapshot!("config", help(&["config"]));
    insta::assert_snapshot!("config_validate", help(&["config", "validate"]));
}
