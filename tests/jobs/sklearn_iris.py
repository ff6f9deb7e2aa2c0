"""A classifier of scikit-learn's own data, kept where Vertex says that models go."""

import os
import pathlib
import pickle

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

features, labels = load_iris(return_X_y=True)
train, test, train_labels, test_labels = train_test_split(features, labels, random_state=0)
model = LogisticRegression(max_iter=1000).fit(train, train_labels)
score = model.score(test, test_labels)
assert score > 0.9, score
target = os.environ["AIP_MODEL_DIR"].replace("gs:/", os.environ["CUSTOMJOBD_BUCKETS"])
pathlib.Path(target).mkdir(parents=True, exist_ok=True)
(pathlib.Path(target) / "model.pkl").write_bytes(pickle.dumps(model))
print(f"score {score:.2f}")
