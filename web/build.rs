//! Files that are added to the dashboard are to be embedded too.

fn main() {
    println!("cargo:rerun-if-changed=assets");
}
