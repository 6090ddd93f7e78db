//! `password-hash` against other implementations of argon2.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use argon2::{Algorithm, Argon2, AssociatedData, Block, ParamsBuilder, Version};
use common::{run, travel_bytes};
use msvpu::{
    Cancellation, Context, JobError, PasswordHash, Passwords, Program, ProgramError, Rank,
    VirtualMachine,
};
use tokio::runtime;

/// Little memory, so that a debug build is quick.
fn small() -> PasswordHash {
    PasswordHash {
        memory_kib: 64,
        iterations: 3,
        ..PasswordHash::new("a demonstration")
    }
}

fn list() -> Vec<String> {
    let long = "x".repeat(200);
    [
        "",
        "password",
        "correct horse battery staple",
        "пароль ⁂ 密码",
        &long,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// RFC 9106, section 5.3: the vector of Argon2id.
#[test]
fn the_function_is_that_of_the_rfc() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    let mut memory = vec![Block::default(); 32];
    argon2
        .hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, &mut memory)
        .unwrap();
    let expected = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53,
        0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01,
        0xe6, 0x59,
    ];
    assert_eq!(tag, expected);
}

/// Frozen from Python's argon2-cffi 25.1.0 (argon2-cffi-bindings 26.2.0, the C reference
/// implementation), 2026-11-22: for each password of the list, `i` counting from 0,
/// `hash_secret(password.encode(), sha256(salt.encode() + i.to_bytes(8, "little")).digest()[:16],
/// time_cost=t, memory_cost=m, parallelism=p, hash_len=32, type=Type.ID)`.
#[test]
fn the_hashes_are_those_of_the_reference_implementation() {
    let hashes = run(&small(), list().into()).unwrap().output;
    assert_eq!(
        hashes,
        [
            "$argon2id$v=19$m=64,t=3,p=1$OE+s29E+ipGeid7gyepIZg$s7l2Sui+GWKflzpr5wVmVZKHFi0eQXpeiEBvfR3CLf8",
            "$argon2id$v=19$m=64,t=3,p=1$N0deGvVKOm2BmvCrqM6DYQ$MPNzDn9omNQt5L1qaf36T624gHoKb7Gje2Ylf5Hpvyc",
            "$argon2id$v=19$m=64,t=3,p=1$syHwSkmjfi5BnAmwHU/6Kw$P+2j9QbWICpo3QtNb7R/kOqKq+1Pz5C6rHn5Xi/emYA",
            "$argon2id$v=19$m=64,t=3,p=1$k5tBKMjOm9iwOggx1Urp7Q$a0Cs0s+Rx3fv3P19FDzkDsTGrt3C/HL9qF3gC4eMsHw",
            "$argon2id$v=19$m=64,t=3,p=1$f4cqJkrcreWgDSK14VQqDA$eMMkE5vl7urPNZyT+5VFr3uHh18y4v4yqQc7FhEyoS8",
        ]
    );
    let default = PasswordHash::new("a demonstration");
    let hashes = run(&default, list()[..2].to_vec().into()).unwrap().output;
    assert_eq!(
        hashes,
        [
            "$argon2id$v=19$m=19456,t=2,p=1$OE+s29E+ipGeid7gyepIZg$JMf2zDiw+jKH3hLnZvd8O2zVX82cPLfQILXqv15LmYg",
            "$argon2id$v=19$m=19456,t=2,p=1$N0deGvVKOm2BmvCrqM6DYQ$yhpU/KUYa29vRwdrO2W89gtVI4mQTEvTacSDyV4aRQk",
        ]
    );
    // Several lanes, and memory that is no multiple of them.
    let lanes = PasswordHash {
        memory_kib: 257,
        iterations: 1,
        parallelism: 4,
        ..PasswordHash::new("8 bytes!")
    };
    let hashes = run(&lanes, list()[..3].to_vec().into()).unwrap().output;
    assert_eq!(
        hashes,
        [
            "$argon2id$v=19$m=257,t=1,p=4$5JAgj9r56T9vUOCpL+VTng$RRBqQphI9YWqGGckjTqc5D3fbGdmDjQV2t/HngdOVac",
            "$argon2id$v=19$m=257,t=1,p=4$bowoeCZ6/Fg4UYU9KY1vNg$uZslG0zf0tSI+bga6o6+dGExY7Mlnq3GZ5ymXT4ealk",
            "$argon2id$v=19$m=257,t=1,p=4$8MqSbaybfouaOjitBUURYw$Vu21yH8GfFUIqdBZSwBPcvLuOdzyTxPHVUfEWGIvTFM",
        ]
    );
}

#[test]
fn neither_tiles_nor_workers_change_anything() {
    let passwords: Vec<String> = (0..37).map(|number| format!("password {number}")).collect();
    let program = |chunk| PasswordHash {
        memory_kib: 8,
        iterations: 1,
        chunk,
        ..small()
    };
    let alone = run(&program(Some(100)), passwords.clone().into())
        .unwrap()
        .output;
    assert_eq!(alone.len(), 37);
    for chunk in [None, Some(1), Some(5), Some(36), Some(37), Some(u32::MAX)] {
        for workers in [1, 2, 3, 8] {
            let found = runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(async {
                    let machine = VirtualMachine::local()
                        .workers(workers)
                        .service::<PasswordHash>()
                        .start()
                        .await
                        .unwrap();
                    let found = machine.run(program(chunk), passwords.clone().into()).await;
                    machine.shutdown().await;
                    found.unwrap()
                });
            assert_eq!(found.output, alone, "{chunk:?}, {workers}");
        }
    }
}

#[test]
fn a_tile_is_a_chunk_of_the_list_in_order() {
    let count = |passwords: usize, chunk| {
        let passwords = (0..passwords).map(|number| number.to_string()).collect();
        let program = PasswordHash { chunk, ..small() };
        let (tiles, ()) = program.split(passwords, &Cancellation::default()).unwrap();
        let sizes: Vec<usize> = tiles.iter().map(|tile| tile.passwords.len()).collect();
        let mut first = 0;
        for (tile, size) in tiles.iter().zip(&sizes) {
            assert_eq!(tile.first, first);
            first += *size as u64;
        }
        (sizes.len(), sizes[0], sizes[sizes.len() - 1])
    };
    assert_eq!(count(1, None), (1, 1, 1));
    assert_eq!(count(1024, None), (1024, 1, 1));
    assert_eq!(count(1025, None), (513, 2, 1));
    assert_eq!(count(1_000_000, None), (1024, 977, 529));
    assert_eq!(count(10, Some(4)), (3, 4, 2));
}

#[test]
fn costs_are_memory_times_passes_and_the_bytes_of_the_answer() {
    for (program, kib) in [
        (small(), 64 * 3),
        (
            PasswordHash {
                memory_kib: 1 << 20,
                iterations: 4,
                ..small()
            },
            1 << 22,
        ),
    ] {
        let program = PasswordHash {
            chunk: Some(5),
            ..program
        };
        let (tiles, ()) = program
            .split(list().into(), &Cancellation::default())
            .unwrap();
        assert_eq!(program.complexity(&tiles[0]), f64::from(5 * kib));
    }
    let program = PasswordHash {
        chunk: Some(5),
        ..small()
    };
    let (tiles, ()) = program
        .split(list().into(), &Cancellation::default())
        .unwrap();
    let stated = program.bytes_exchanged(&tiles[0]);
    let answer = run(&program, list().into()).unwrap().output;
    let sent = travel_bytes(answer) as f64;
    assert!(sent <= stated && stated < sent + 10.0, "{sent}, {stated}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |program: PasswordHash, passwords: Vec<String>, words: &[&str]| {
        let error = run(&program, passwords.into()).err().unwrap();
        assert!(matches!(error, ProgramError::InvalidInput(_)), "{error:?}");
        for word in words {
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    };
    let with = |change: fn(&mut PasswordHash)| {
        let mut program = small();
        change(&mut program);
        program
    };
    refused(
        with(|p| p.salt.truncate(7)),
        list(),
        &["salt", "7 bytes", "8"],
    );
    refused(
        with(|p| p.salt = "s".repeat(1025)),
        list(),
        &["1025", "1024"],
    );
    refused(
        with(|p| p.memory_kib = 7),
        list(),
        &["memory_kib is 7", "8"],
    );
    refused(
        with(|p| p.memory_kib = (1 << 20) + 1),
        list(),
        &["1048577", "1048576"],
    );
    refused(
        with(|p| p.parallelism = 9),
        list(),
        &["memory_kib is 64", "72", "9 lanes"],
    );
    refused(
        with(|p| p.parallelism = 0),
        list(),
        &["parallelism is 0", "1 to 255"],
    );
    refused(
        with(|p| p.parallelism = 256),
        list(),
        &["parallelism is 256"],
    );
    refused(with(|p| p.parallelism = u32::MAX), list(), &["parallelism"]);
    refused(with(|p| p.iterations = 0), list(), &["iterations is 0"]);
    refused(
        with(|p| p.iterations = 65_537),
        list(),
        &["4194368", "4194304"],
    );
    refused(with(|p| p.chunk = Some(0)), list(), &["chunk is 0"]);
    refused(small(), vec![], &["0 passwords", "1 to 1000000"]);
    refused(
        small(),
        vec![String::new(); 1_000_001],
        &["1000001 passwords"],
    );
    let mut long = list();
    long[3] = "secret ".repeat(600);
    refused(small(), long, &["password 3", "4200 bytes", "4096"]);

    for wrong in ["{}", r#"{"salt": "12345678", "memory": 64}"#] {
        assert!(
            serde_json::from_str::<PasswordHash>(wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn no_message_and_no_debug_text_tells_a_password() {
    let passwords = Passwords::from(list());
    assert_eq!(format!("{passwords:?}"), "Passwords(5 of them)");
    let (tiles, ()) = small()
        .split(passwords.clone(), &Cancellation::default())
        .unwrap();
    assert!(!format!("{tiles:?}").contains("horse"));
    let mut long = list();
    long[2] = "correct horse ".repeat(1000);
    let error = run(&small(), long.into()).err().unwrap();
    assert!(!error.to_string().contains("horse"), "{error}");
}

#[test]
fn a_cancelled_step_hashes_no_further_password() {
    let program = PasswordHash {
        chunk: Some(u32::MAX),
        ..small()
    };
    let cancellation = Cancellation::default();
    let context = Context::new(Rank(0), 1, cancellation.clone());
    let (tiles, ()) = program.split(list().into(), &cancellation).unwrap();
    let mut state = program
        .load(tiles.into_iter().next().unwrap(), &context)
        .unwrap();
    cancellation.cancel();
    let ended = program.local_step(&mut state, &(), &context);
    assert_eq!(ended, Err(ProgramError::Cancelled));

    // On a machine, with half an hour of work.
    runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async {
            let machine = VirtualMachine::local()
                .workers(2)
                .service::<PasswordHash>()
                .start()
                .await
                .unwrap();
            let passwords = Passwords::from_iter((0..100_000).map(|number| number.to_string()));
            let job = machine
                .submit(PasswordHash::new("a demonstration"), passwords)
                .await
                .unwrap();
            job.cancel();
            assert_eq!(job.await.unwrap_err(), JobError::Cancelled);
            machine.shutdown().await;
        });
}
