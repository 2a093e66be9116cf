//! `tim-server admin create`, beside a running and a stopped server.

use tim_tests::console::{Console, options};

#[tokio::test]
async fn a_command_lets_somebody_manage_the_server() {
    let server = options().start();
    let arguments = ["create", "--name", "ann", "--role", "auditor"];
    let (code, text) = server.admin(&arguments, "a long password\n").await;
    assert_eq!(code, Some(0), "{text}");
    let ann = Console::new(&server).person("ann", "a long password").await;
    assert_eq!(ann.done("GET", "/session", None).await["role"], "auditor");
    let (code, text) = server.admin(&arguments, "a long password\n").await;
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("already"), "{text}");
    let audit = ann.done("GET", "/audit?who=command", None).await;
    assert_eq!(audit["entries"][0]["about"]["name"], "ann");
    let (code, _) = server.admin(&["create", "--name", "ben"], "short\n").await;
    assert_eq!(code, Some(2));
    let (code, _) = server
        .admin(&["create", "--name", "a b"], "a long password\n")
        .await;
    assert_eq!(code, Some(2));
}

#[tokio::test]
async fn a_command_works_on_the_database_of_a_stopped_server() {
    let server = options().start();
    server.stop();
    let (code, text) = server
        .admin(&["create", "--name", "ann"], "a long password\n")
        .await;
    assert_eq!(code, Some(0), "{text}");
    server.run();
    let ann = Console::new(&server).person("ann", "a long password").await;
    assert_eq!(ann.done("GET", "/session", None).await["role"], "owner");
    // Somebody manages the server, so the password of the first start makes nobody an owner.
    let first = tim_tests::console::first_password(&server);
    let asked = serde_json::json!({"name": "admin", "password": first});
    ann.refused("POST", "/session", Some(&asked), 401).await;
}
