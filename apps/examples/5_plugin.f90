! The likelihood of 4_plugin.c in Fortran: y ~ gumbel(location(1) + location(2:) x, scale).
! Run: build/release/bin/vfe import apps/examples/solubility.csv -o 5.h5 --drop smiles
!      gfortran -O2 -shared -fPIC include/vfe_model.f90 apps/examples/5_plugin.f90 -o 5_plugin.so
!      mpirun -n 2 build/release/bin/vfe fit apps/examples/5_plugin.toml --overwrite
module gumbel_regression
  use vfe_model
  implicit none
  integer(c_int64_t) :: n  ! values: intercept, slopes, scale
contains
  integer(c_int32_t) function vfe_model_start(options, num_columns, num_parameters) bind(c) result(failed)
    character(kind=c_char), intent(in) :: options(*)
    integer(c_int64_t), value :: num_columns
    integer(c_int64_t), intent(out) :: num_parameters
    n = num_columns + 2
    num_parameters = 2
    failed = 0
  end function
  integer(c_int32_t) function vfe_model_parameter(index, parameter) bind(c) result(failed)
    integer(c_int64_t), value :: index
    type(vfe_parameter), intent(inout) :: parameter
    if (index == 0) call vfe_describe(parameter, 'location', sizes=[n - 1])
    if (index == 1) call vfe_describe(parameter, 'scale', 'positive')
    failed = 0
  end function
  ! location ~ normal(0, 5), scale ~ exponential(1); the gradient is absent where it is not asked for
  integer(c_int32_t) function vfe_model_prior(num_draws, theta, value, gradient) bind(c) result(failed)
    integer(c_int64_t), value :: num_draws
    real(c_double), intent(in) :: theta(n, num_draws)
    real(c_double), intent(inout) :: value(num_draws), gradient(n, num_draws)
    optional :: gradient
    value = value - sum(theta(:n-1, :)**2, 1) / 50 - (n - 1) * log(5 * sqrt(2 * acos(-1d0))) - theta(n, :)
    if (present(gradient)) gradient(:n-1, :) = gradient(:n-1, :) - theta(:n-1, :) / 25
    if (present(gradient)) gradient(n, :) = gradient(n, :) - 1
    failed = 0
  end function
  integer(c_int32_t) function vfe_model_likelihood(block, num_draws, theta, value, gradient) bind(c) result(failed)
    type(c_ptr), value :: block
    integer(c_int64_t), value :: num_draws
    real(c_double), intent(in) :: theta(n, num_draws)
    real(c_double), intent(inout) :: value(num_draws), gradient(n, num_draws)
    optional :: gradient
    real(c_double), pointer :: x(:, :), y(:)
    real(c_double) :: z, slope
    integer(c_int64_t) :: s, r
    call vfe_rows_of(block, x, y)
    do s = 1, num_draws
      do r = 1, size(y)
        z = (y(r) - theta(1, s) - dot_product(theta(2:n-1, s), x(:, r))) / theta(n, s)
        slope = (1 - exp(-z)) / theta(n, s)
        value(s) = value(s) - log(theta(n, s)) - z - exp(-z)
        if (present(gradient)) gradient(:, s) = gradient(:, s) + &
          [slope, slope * x(:, r), z * slope - 1 / theta(n, s)]
      end do
    end do
    failed = 0
  end function
end module
