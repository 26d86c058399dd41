"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels

initial = labels(
    {
        "soft_rank_off": "largest distance of the mean soft rank of random weights from one",
        "soft_rank_inside": "share of random weights whose soft rank is within 0.03 of one",
        "soft_rank_inside_student": "share of Student t weights, 3 degrees of freedom, so near to one",
        "spikes_student": "number of spikes of Student t weights, 3 degrees of freedom",
        "stable_rank_off_limit": "largest relative distance of the stable rank from its limit for large matrices",
        "stable_rank_off_law": "largest relative distance of the stable rank from its law at a finite size",
        "stable_rank_square": "stable rank of a random matrix of 512 rows and columns",
        "sigma_off": "largest relative distance of the fitted deviation from that of the first weights",
        "soft_rank_off_law": "largest relative distance of the soft rank of normal weights from its law",
    }
)

spikes = labels(
    {
        "place_off": "largest relative distance of a spike from its law, from 1.5 times the threshold on",
        "excess_below": "largest mean of the largest eigenvalue over the edge, less one, below the threshold",
        "seen_below": "share of signals at 0.8 times the threshold or less that show a spike",
        "seen_clear": "share of signals from 1.5 times the threshold on that show exactly one spike",
        "overlap_off": "largest distance of the squared cosine of spike and signal from its law",
        "overlap_below": "largest mean squared cosine with signals below the threshold",
    }
)

PHASES = {
    "random_like": "random-like",
    "bleeding_out": "bleeding-out",
    "bulk_and_spikes": "bulk+spikes",
    "bulk_decay": "bulk-decay",
    "heavy_tailed": "heavy-tailed",
    "rank_collapse": "rank-collapse",
}

phases = labels(
    {
        "told_right": "share of matrices whose phase the rule tells right",
        "least_told_right": "that share in the phase where it is least",
        "bulk_off": "largest mean distance of a bulk from its law",
        "top_off": "largest mean distance of a spike from its law, relative",
        "heavy_top_off": "median relative distance of the largest eigenvalue from the largest squared entry",
        "soft_rank_{phase}": "soft rank of a {phase} matrix",
    },
    phase=PHASES,
)

MU = {"0_4": "0.4", "1_2": "1.2", "2_5": "2.5", "3_5": "3.5", "5": "5"}
tails = labels(
    {
        "alpha_one_sided_{mu}": "exponent of one-sided entries at tail index {mu}",
        "alpha_signs_{mu}": "exponent of entries with random signs at tail index {mu}",
        "alpha_centred_{mu}": "exponent of entries less their mean at tail index {mu}",
        "centring_{mu}": "change of the exponent when the mean is taken off, at tail index {mu}",
        "upper_end_{mu}": "change of the exponent when the law has an upper end, at tail index {mu}",
        "top_over_mean_{mu}": "largest eigenvalue over that of the mean alone, at tail index {mu}",
    },
    mu=MU,
)

rivals = labels(
    {
        "{rival}_better_{law}_{size}": "share of samples of {size} from {law} whose tail {rival} fits better",
        "{rival}_whole_better_{law}_{size}": "share of samples of {size} from {law} which {rival} fits better",
        "tail_share_{law}_{size}": "share of {size} from {law} that the fitted tail has",
    },
    rival={"lognormal": "a lognormal law", "cutoff": "a cut-off power law"},
    law={"power": "a power law", "lognormal": "a lognormal law"},
    size={"100": "100 values", "1000": "1,000 values"},
)

NETS = {"trained": "trained", "frozen": "frozen as it was drawn"}
lenet5 = labels(
    {
        "accuracy_{net}": "share of test images that are right, large layer {net}",
        "sigma_{net}": "deviation of the bulk, large layer {net}",
        "sigma_over_first_{net}": "deviation of the bulk over that of the first weights, large layer {net}",
        "soft_rank_{net}": "soft rank, large layer {net}",
        "stable_rank_{net}": "stable rank, large layer {net}",
        "spikes_{net}": "number of spikes, large layer {net}",
        "moved": "length of what training adds to the large layer, over that of its first weights",
        "bulk_cosine": "cosine of the trained layer without its spikes and its first weights",
        "spikes_permuted": "number of spikes of the trained entries in random order",
        "alpha": "exponent of a power law with an upper end, large layer trained",
        "distance": "distance of the upper end from that power law",
        "cost_of_freezing": "share of test images that are right, less that with the large layer frozen",
    },
    net=NETS,
)

mlp3 = labels(
    {
        "test_accuracy": "share of test images that are right",
        "before_{place}": "stable rank of the {place} square layer before training",
        "after_{place}": "stable rank of the {place} square layer after training",
        "left_{place}": "stable rank of the {place} square layer, after over before training",
        "permuted_left_{place}": "the same for the trained entries in random order, {place} square layer",
        "centred_left_{place}": "the same for the trained matrix less its mean, {place} square layer",
        "permuted_centred_left_{place}": "for its entries in random order less their mean, {place} square layer",
        "soft_rank_{place}": "soft rank of the {place} square layer after training",
    },
    place={"first": "first", "second": "second"},
)

SCHEMES = {
    "equal": "equal learning rate and epochs",
    "rate": "learning rate in proportion to the batch",
    "updates": "equal number of updates",
    "alone": "one batch size, other learning rates",
}
batch = labels(
    {
        "soft_rank_smallest_{scheme}": "soft rank at the smallest batch, {scheme}",
        "soft_rank_largest_{scheme}": "soft rank at the largest batch, {scheme}",
        "spread_{scheme}": "soft rank at the largest batch less that at the smallest, {scheme}",
        "spearman_{scheme}": "rank correlation of soft rank and batch size, {scheme}",
        "kept_{scheme}": "share left of the difference in soft rank, {scheme}",
        "error_spread_{scheme}": "test error at the largest batch less that at the smallest, {scheme}",
        "spearman_way": "rank correlation of soft rank and learning rate times updates, all schemes together",
        "phases_met": "number of phases that most nets of some batch size are in",
    },
    scheme=SCHEMES,
)

layers = labels(
    {
        "alexnet_last_alpha": "exponent of AlexNet's last dense layer, stored as clusters of weights",
        "alexnet_last_distance": "distance of that layer from its power law",
        "layers_{kind}": "number of {kind}",
        "least_alpha_{kind}": "smallest exponent of {kind}",
        "largest_alpha_{kind}": "largest exponent of {kind}",
        "inside_{kind}": "share of {kind} with an exponent from 1.5 to 6",
        "poor_fits_{kind}": "share of {kind} that are farther than 0.1 from their power law",
        "permuted_outside_{kind}": "share of {kind} whose entries in random order have no such power law",
        "rival_better_{kind}": "share of {kind} that a rival law fits better",
        "fewest_values_{kind}": "smallest number of values that a power law was fitted to, {kind}",
        "upper_end_matters_{kind}": "largest change of the exponent when the law has no upper end, {kind}",
        "likelihood_matters_{kind}": "largest change of the exponent with an upper end in the likelihood, {kind}",
    },
    kind={"dense": "dense layers", "convolution": "convolutions"},
)
