//! `narthex plan`: how much of everything a load takes, now and as it grows.
//!
//! It asks nobody and measures nothing: it is a calculation, whose formulas (`--explain`) and unit costs are there to be checked and
//! replaced.

mod args;
mod costs;
mod model;
mod show;

pub(crate) use self::args::{PLAN_HELP, PlanArgs};
use self::{costs::Costs, model::Model};
use crate::{console, failure::Failure, table::Format};

/// Plans, and tells it.
pub(crate) fn run(args: &PlanArgs) -> Result<(), Failure> {
    let costs = costs(args)?;
    let model = Model { load: args.load()?, pods: args.pods()?, costs };
    let months = model.months(args.months).map_err(Failure::configuration)?;
    console::say(&match (args.format, args.explain) {
        (Format::Json, _) => format!("{:#}\n", show::to_json(&model, &months)),
        (Format::Table, false) => show::to_table(&model, &months),
        (Format::Table, true) => show::to_table(&model, &months) + &show::explanation(&model),
    });
    Ok(())
}

/// The defaults, then the file, then the flags.
fn costs(args: &PlanArgs) -> Result<Costs, Failure> {
    let mut costs = Costs::default();
    if let Some(path) = &args.costs {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            Failure::configuration(format!(
                "--costs names {path}, which cannot be read ({error}): put it there"
            ))
        })?;
        let told = |error| Failure::configuration(format!("{}: {error}", path.display()));
        costs.read(&text).map_err(told)?;
    }
    for (name, value) in &args.cost {
        costs
            .set(name, *value, "--cost")
            .map_err(|error| Failure::configuration(format!("--cost: {error}")))?;
    }
    Ok(costs)
}
