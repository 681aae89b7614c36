//! `narthex doctor`: what would go wrong with these settings, seen from this machine, before it does.
//!
//! It looks, and changes nothing. All checks run at the same time, each in a bounded one, and each is a sentence that says what was
//! seen and, unless that is fine, what to do. What is looked at is asked of those who use it: the same connections, the
//! same files, the same errors.

mod args;
mod certificates;
mod machine;

use std::{process::ExitCode, time::Duration};

use anstyle::{AnsiColor, Style};
use broker::{Finding, Verdict};
use futures_util::{
    FutureExt as _,
    future::{LocalBoxFuture, join_all},
};
use serde_json::{Value, json};

pub(crate) use self::args::{DOCTOR_HELP, DoctorArgs};
use crate::{
    broker_choice,
    config::{Config, Role},
    console, identity,
    table::{Cell, Format, Table},
    telemetry,
    upstream::Source,
};

/// What takes longer than this does not work.
const PATIENCE: Duration = Duration::from_secs(5);

const GOOD: Style = AnsiColor::Green.on_default();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Looks at everything that the role needs, tells it, and exits with 1 if there is a problem.
pub(crate) async fn run(config: Config, args: &DoctorArgs) -> ExitCode {
    let DoctorArgs { role, format, hosts, .. } = args;
    let (config, mut findings) = settings(config, *role);
    findings.extend(examine(&config, *role, hosts).await);
    console::say(&match format {
        Format::Json => format!("{:#}\n", to_json(&findings)),
        Format::Table => to_table(&findings),
    });
    match count(&findings, Verdict::Problem) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Whether the role could start with them. If not, the rest is looked at all the same.
fn settings(config: Config, role: Role) -> (Config, Vec<Finding>) {
    let about = "settings";
    match config.clone().for_role(role) {
        Ok(config) => {
            let sentence = format!("the role {} starts with them", role.name());
            (config, vec![Finding::fine(about, sentence)])
        }
        Err(failure) => {
            let problem = |sentence: &String| Finding::problem(about, sentence);
            (config, failure.sentences().iter().map(problem).collect())
        }
    }
}

async fn examine(config: &Config, role: Role, hosts: &[String]) -> Vec<Finding> {
    let mut checks = vec![in_time("broker", broker_choice::examine(config, role.is_gateway()))];
    if role.is_worker() {
        let each = config.upstream.iter().enumerate();
        checks.extend(each.map(|(index, _)| in_time(format!("upstream.{index}"), upstream(config, index))));
    }
    if role.is_gateway() {
        checks.push(in_time("auth", identity::examine(&config.auth, config.listen)));
    }
    checks.push(in_time("tls", async { certificates::examine(config, role, hosts) }));
    checks.push(in_time("otlp", telemetry::examine(config)));
    checks.push(in_time("listen", machine::addresses(config, role)));
    if role.is_gateway() {
        checks.push(in_time("machine", async { machine::limits(config) }));
    }
    join_all(checks).await.into_iter().flatten().collect()
}

/// The findings of a check, or that it came to none.
fn in_time<'a>(
    about: impl Into<String>,
    check: impl Future<Output = Vec<Finding>> + 'a,
) -> LocalBoxFuture<'a, Vec<Finding>> {
    let about = about.into();
    async move {
        let late = |_| {
            let sentence = format!(
                "nothing came of it within {} s: find out what on the way there holds it up",
                PATIENCE.as_secs()
            );
            vec![Finding::problem(about, sentence)]
        };
        tokio::time::timeout(PATIENCE, check).await.unwrap_or_else(late)
    }
    .boxed_local()
}

async fn upstream(config: &Config, index: usize) -> Vec<Finding> {
    vec![match Source::new(index, &config.upstream[index], |name| std::env::var_os(name)) {
        Ok(source) => source.examine(&format!("upstream.{index}")).await,
        Err(failure) => Finding::problem(format!("upstream.{index}"), failure.to_string()),
    }]
}

fn count(findings: &[Finding], verdict: Verdict) -> usize {
    findings.iter().filter(|finding| finding.verdict == verdict).count()
}

fn to_table(findings: &[Finding]) -> String {
    let mut table = Table::new(&["STATUS", "CHECK", "FOUND"]);
    for Finding { about, verdict, sentence } in findings {
        let style = match verdict {
            Verdict::Fine => GOOD,
            Verdict::Warning => DOUBTFUL,
            Verdict::Problem => BAD,
        };
        table.push(vec![Cell::text(word(*verdict)).styled(style), Cell::text(about), Cell::text(sentence)]);
    }
    table.to_text()
}

fn to_json(findings: &[Finding]) -> Value {
    let check = |Finding { about, verdict, sentence }: &Finding| json!({ "check": about, "status": word(*verdict), "found": sentence });
    json!({
        "problems": count(findings, Verdict::Problem),
        "warnings": count(findings, Verdict::Warning),
        "checks": findings.iter().map(check).collect::<Vec<_>>(),
    })
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "ok",
        Verdict::Warning => "warning",
        Verdict::Problem => "problem",
    }
}

#[cfg(test)]
mod tests;
