if ($p_features_of_numbers(numbers, x) != $P_FINE) {
            $p_stop(row, "a number lies outside what raw rows hold", "");
        }
